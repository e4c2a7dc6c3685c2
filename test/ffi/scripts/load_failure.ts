// Prints what loading fails with. MINIAV_LIBRARY says which file; "explicit" gives it in the code.

import process from "node:process";
import { library, MiniAVError, setLibraryPath } from "../../../src/ffi/mod.ts";

const [explicit] = process.argv.slice(2);
if (explicit !== undefined) setLibraryPath(explicit);
try {
  console.log(`opened ${library().path}`);
} catch (error) {
  if (!(error instanceof MiniAVError)) throw error;
  console.log(`${error.code}\n${error.message}`);
}
