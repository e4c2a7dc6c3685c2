import { testAlsaPlugins, testMicrophones } from "./support/microphone_cases.ts";

testMicrophones("pulse", "pulse");
testAlsaPlugins("pulse");
