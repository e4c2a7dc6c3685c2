/**
 * Formats everything, as the tests want it.
 *
 *     deno task fmt
 */

import { formatC } from "./test/style.ts";
import { run } from "./process.ts";

await run(Deno.execPath(), ["fmt"]);
await formatC();
