/** One line of what `miniav doctor` found. */
export interface Finding {
  readonly name: string;
  /** `missing`: something cannot be used; whether it matters depends on what one wants. */
  readonly state: "ok" | "missing" | "failed";
  readonly text: string;
  /** What to do, or "". */
  readonly advice: string;
}
