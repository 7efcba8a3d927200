/** A column as `[dtype, values]`. */
type PlainColumn = readonly [dtype: "f8" | "f4" | "u4" | "u1", values: readonly number[]];

export interface PlainSeries {
  run: string | null;
  key: string;
  exact: boolean;
  total: number;
  total_all: number;
  x: PlainColumn;
  y: PlainColumn;
  nonfinite: null;
  ghost: null;
  first_x: number | null;
  last_x: number | null;
}

export function encodeFrames(header: object, series: readonly PlainSeries[]): Buffer;
