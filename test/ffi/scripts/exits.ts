// One way of waiting, or of not waiting, a run; the test sees whether and when the process ends.

import process from "node:process";
import { Camera, enableTestDevices, setLogHandler } from "../../../src/mod.ts";

enableTestDevices();
const [way] = process.argv.slice(2);
switch (way) {
  // Nothing waits: all of these end by themselves.
  case "enumerate":
    await Camera.enumerateDevices();
    break;
  case "open":
    await Camera.open({ deviceId: "test:bars" });
    break;
  case "log":
    setLogHandler(() => {});
    break;
  case "broken-off": {
    const camera = await Camera.open({ deviceId: "test:bars" });
    for await (using _frame of camera) break;
    break;
  }
  case "unref": {
    const camera = (await Camera.open({ deviceId: "test:bars" })).unref();
    void camera.start((frame) => frame.close());
    break;
  }
  case "watch-unref":
    Camera.onDeviceChange(() => {}).unref();
    break;
  // These go on until they are told to end.
  case "consume": {
    const camera = await Camera.open({ deviceId: "test:bars" });
    let frames = 0;
    void camera.start((frame) => {
      frame.close();
      if (++frames === 30) {
        console.log("30 frames");
        void camera.stop();
      }
    });
    break;
  }
  case "unref-with-timer": {
    const camera = (await Camera.open({ deviceId: "test:bars", frameRate: 60 })).unref();
    let frames = 0;
    void camera.start((frame) => {
      frame.close();
      frames++;
    });
    setTimeout(() => console.log(frames > 10 ? "frames came" : `only ${frames} frames`), 1000);
    break;
  }
  case "watch": {
    const subscription = Camera.onDeviceChange(() => {});
    setTimeout(() => {
      console.log("closing");
      subscription.close();
    }, 300);
    break;
  }
}
console.log("end of script");
