/** A matrix of numbers, row by row. */
export interface Matrix {
  rows: number;
  columns: number;
  values: Float32Array;
}

/** Reads an NPY file of version 1 or 2 with a two-dimensional little-endian float array in C order; throws for others. */
export function decodeNpy(bytes: ArrayBuffer): Matrix {
  const head = new Uint8Array(bytes);
  if (head[0] !== 0x93 || String.fromCharCode(...head.subarray(1, 6)) !== "NUMPY") {
    throw new Error("The file is not an NPY array.");
  }
  const view = new DataView(bytes);
  const wide = (head[6] ?? 1) > 1;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = wide ? 12 : 10;
  const text = new TextDecoder("latin1").decode(head.subarray(start, start + length));
  const type = /'descr':\s*'([^']+)'/.exec(text)?.[1] ?? "";
  const shape = /'shape':\s*\((\d+),\s*(\d+)/.exec(text);
  if (!shape || /'fortran_order':\s*True/.test(text)) throw new Error("The array is not a table in C order.");
  const rows = Number(shape[1]);
  const columns = Number(shape[2]);
  const size = type === "<f4" ? 4 : type === "<f8" ? 8 : 0;
  if (size === 0) throw new Error(`The array is of type ${type || "unknown"}; float32 is read.`);
  const body = start + length;
  if (body + rows * columns * size > bytes.byteLength) throw new Error("The array is cut off.");
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < values.length; i++) {
    values[i] = size === 4 ? view.getFloat32(body + i * 4, true) : view.getFloat64(body + i * 8, true);
  }
  return { rows, columns, values };
}
