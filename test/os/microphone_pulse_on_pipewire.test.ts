import { testAlsaPlugins, testMicrophones } from "./support/microphone_cases.ts";

testMicrophones("pipewire", "pulse");
testAlsaPlugins("pipewire");
