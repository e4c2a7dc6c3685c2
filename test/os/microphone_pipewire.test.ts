import { testMicrophones } from "./support/microphone_cases.ts";

testMicrophones("pipewire", "pipewire");
