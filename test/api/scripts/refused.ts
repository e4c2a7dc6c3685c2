// An open that is refused before it begins leaves nothing that keeps the process alive.

import { Camera } from "../../../src/mod.ts";

const id = "x".repeat(10_000);
await Camera.open({ deviceId: id }).catch((error: Error) => console.log(error.name));
