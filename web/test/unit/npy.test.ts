import { describe, expect, it } from "vitest";
import { decodeNpy } from "@/media/object3d/npy";

function npy(header: string, values: number[], double = false): ArrayBuffer {
  const text = `${header.padEnd(117)}\n`;
  const bytes = new Uint8Array(10 + text.length + values.length * (double ? 8 : 4));
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, text.length, 0]);
  bytes.set(new TextEncoder().encode(text), 10);
  const view = new DataView(bytes.buffer, 10 + text.length);
  values.forEach((value, i) => {
    if (double) view.setFloat64(i * 8, value, true);
    else view.setFloat32(i * 4, value, true);
  });
  return bytes.buffer;
}

describe("an NPY file", () => {
  it("of float32 rows is read", () => {
    const matrix = decodeNpy(
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", [1, 2, 3, 4, 5, 6.5]),
    );

    expect([matrix.rows, matrix.columns, ...matrix.values]).toEqual([2, 3, 1, 2, 3, 4, 5, 6.5]);
  });

  it("of float64 is read too", () => {
    const matrix = decodeNpy(
      npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }", [0.5, -2], true),
    );

    expect([...matrix.values]).toEqual([0.5, -2]);
  });

  it.each([
    ["{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2), }", "float32 is read"],
    ["{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }", "C order"],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (9000, 3), }", "cut off"],
  ])("with %s is refused", (header, message) => {
    expect(() => decodeNpy(npy(header, [1, 2]))).toThrow(message);
  });

  it("that is none is refused", () => {
    expect(() => decodeNpy(new ArrayBuffer(40))).toThrow("not an NPY");
  });
});
