/** What `copyTo` takes: nothing is overlooked in silence. */

import { MiniAVError } from "../ffi/mod.ts";
import type { CopyDestination } from "./frame.ts";
import { describeValue, invalidOption } from "./options.ts";

const NAMES = ["layout", "format"];

/** INVALID_HANDLE: the frame is closed, before anything else is looked at; INVALID_ARG. */
export function checkCopy(frame: { readonly closed: boolean }, destination: CopyDestination): void {
  if (frame.closed) throw new MiniAVError("INVALID_HANDLE", { operation: "copyTo" });
  if (!(destination instanceof ArrayBuffer) && !ArrayBuffer.isView(destination)) {
    const detail = `the destination is an ArrayBuffer or a view, not ${describeValue(destination)}`;
    throw invalidOption(
      "copyTo",
      detail,
      "new Uint8Array(frame.allocationSize()) is large enough.",
    );
  }
}

/** INVALID_ARG: an option that is none, or a format that nothing here converts to. */
export function checkCopyOptions(options: object): void {
  if (typeof options !== "object" || options === null) {
    throw invalidOption("copyTo", `the options are an object, not ${describeValue(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) {
      const detail = `there is no option "${name.slice(0, 40)}"`;
      throw invalidOption("copyTo", detail, `There are ${NAMES.join(", ")}.`);
    }
  }
  const { format } = options as { format?: unknown };
  if (format !== undefined && format !== "RGBA") {
    const detail = `format is "RGBA", not ${describeValue(format)}`;
    throw invalidOption("copyTo", detail, "Without it the frame's own format is copied.");
  }
}
