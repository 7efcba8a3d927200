// Encoder of application/x-treering-frames, for the mock server and the golden test file.

const TYPES = { f8: Float64Array, f4: Float32Array, u4: Uint32Array, u1: Uint8Array };

/** Encodes `{header, series}` where each series holds plain arrays as `[dtype, values]`. */
export function encodeFrames(header, series) {
  const chunks = [];
  let offset = 0;
  const seen = new Map();
  const put = (column) => {
    if (!column) return null;
    const [dtype, values] = column;
    const known = seen.get(values);
    if (known) return known;
    const bytes = new Uint8Array(TYPES[dtype].from(values).buffer);
    const ref = { off: offset, n: values.length, dtype };
    const padded = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
    padded.set(bytes);
    chunks.push(padded);
    offset += padded.length;
    seen.set(values, ref);
    return ref;
  };
  const entries = series.map(({ x, y, lo, hi, count, nonfinite, ghost, ...rest }) => ({
    ...rest,
    n: x[1].length,
    x: put(x),
    y: put(y),
    lo: put(lo),
    hi: put(hi),
    count: put(count),
    nonfinite: nonfinite ? { x: put(nonfinite.x), kind: put(nonfinite.kind) } : null,
    ghost: ghost ? { x: put(ghost.x), y: put(ghost.y) } : null,
  }));
  let json = Buffer.from(JSON.stringify({ ...header, series: entries }));
  const pad = (8 - ((8 + json.length) % 8)) % 8;
  json = Buffer.concat([json, Buffer.alloc(pad, 0x20)]);
  const head = Buffer.alloc(8);
  head.write("TRC1", 0, "latin1");
  head.writeUInt32LE(json.length, 4);
  return Buffer.concat([head, json, ...chunks.map((chunk) => Buffer.from(chunk.buffer))]);
}
