// The colour bars of the test devices' picture, left to right; 75 %, full range.

export type Rgb = readonly [number, number, number];

export const BARS: readonly Rgb[] = [
  [191, 191, 191],
  [191, 191, 0],
  [0, 191, 191],
  [0, 191, 0],
  [191, 0, 191],
  [191, 0, 0],
  [0, 0, 191],
  [0, 0, 0],
];
