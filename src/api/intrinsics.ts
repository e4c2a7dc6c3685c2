/** Optics that a person gives: all of them or none. */

import { describeValue, invalidOption, isObject } from "./options.ts";
import type { Intrinsics } from "./types.ts";

const SIDES = ["width", "height"] as const;
const LENGTHS = ["focalX", "focalY", "centreX", "centreY"] as const;
const COEFFICIENTS = 8;
const HINT =
  "They are { width, height, focalX, focalY, centreX, centreY, distortion }, in pixels of the frame.";

/** INVALID_ARG: something is missing, or is no number. */
export function requireIntrinsics(
  operation: string,
  value: unknown,
): asserts value is Intrinsics {
  const refuse = (detail: string) => invalidOption(operation, detail, HINT);
  if (!isObject(value)) throw refuse(`intrinsics are an object, not ${describeValue(value)}`);
  const wrongOf = (name: string) => `intrinsics.${name} is`;
  for (const name of SIDES) {
    if (Number.isInteger(value[name]) && Number(value[name]) > 0) continue;
    throw refuse(`${wrongOf(name)} a whole number above 0, not ${describeValue(value[name])}`);
  }
  for (const name of LENGTHS) {
    if (Number.isFinite(value[name])) continue;
    throw refuse(`${wrongOf(name)} a number, not ${describeValue(value[name])}`);
  }
  const { distortion } = value;
  const isGood = Array.isArray(distortion) && distortion.length <= COEFFICIENTS &&
    distortion.every((coefficient) => Number.isFinite(coefficient));
  if (!isGood) {
    throw refuse(`${wrongOf("distortion")} a list of up to ${COEFFICIENTS} numbers, [] for none`);
  }
}
