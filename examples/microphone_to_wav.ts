// Three seconds of the default microphone, as microphone.wav in the current folder.
//
//     deno run -A examples/microphone_to_wav.ts
//     bun examples/microphone_to_wav.ts

import { Microphone, recordWav } from "miniav";

await using microphone = await Microphone.open();
const { sampleRate, channelCount } = microphone.format;
const { seconds, gaps } = await recordWav(microphone, "microphone.wav", { seconds: 3 });
console.log(
  `microphone.wav: ${seconds} s, ${sampleRate} Hz, ${channelCount} channels, ${gaps} gaps`,
);
