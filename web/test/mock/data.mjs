// Generated runs for the mock server: shapes of real training curves, made from a fixed seed.

const ADJECTIVES =
  "amber quiet brisk cedar dusky early fern golden hazel ivory juniper keen larch mossy northern oaken pale rowan silver tall umber verdant willow young".split(
    " ",
  );
const NOUNS =
  "heron otter marten finch lynx plover badger wren stoat grouse elk vole kite siskin hare robin owl tern fox dunlin beaver crane swift pika".split(
    " ",
  );
const MODELS = ["vit-b/16", "vit-l/16", "convnext-b"];
const RATES = [1e-3, 3e-4, 6e-4, 1e-4];

export const KEYS = [
  { key: "train/loss", noise: 0.06 },
  { key: "train/grad_norm", noise: 0.18 },
  { key: "train/lr", noise: 0 },
  { key: "train/tokens_per_sec", noise: 900 },
  { key: "val/loss", noise: 0.012, every: 25 },
  { key: "val/acc_top1", noise: 0.3, every: 25, unit: "%", goal: "maximize" },
  { key: "val/acc_top5", noise: 0.2, every: 25, unit: "%", goal: "maximize" },
  { key: "val/calibration_error", noise: 0.0016, every: 25 },
  { key: "system/gpu.0.util", noise: 2.5, unit: "%", system: true },
  { key: "system/gpu.0.memory", noise: 0.15, unit: "GiB", system: true },
  { key: "system/gpu.0.power", noise: 9, unit: "W", system: true },
  { key: "system/cpu.util", noise: 5, unit: "%", system: true },
];

function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

const gauss = (next) => (next() + next() + next() + next() + next() + next() - 3) / 0.7;

/** One value of a key at t in 0…1, before noise. */
function shape(key, run, t) {
  const { q } = run;
  const diverge = q.diverges && t > 0.37 ? (t - 0.37) * 24 : 0;
  const loss = q.floor + q.start * Math.exp(-q.rate * 3 * t) + 0.9 * Math.exp(-q.rate * t) + diverge;
  switch (key) {
    case "train/loss":
      return loss;
    case "train/grad_norm":
      return 0.35 + 6 * Math.exp(-q.rate * 4 * t) + 0.4 * q.wobble + diverge * 3;
    case "train/lr":
      return run.config.lr * (t < 0.06 ? t / 0.06 : 0.5 * (1 + Math.cos((Math.PI * (t - 0.06)) / 0.94)));
    case "train/tokens_per_sec":
      return [41200, 18800, 30500][q.model] * (1 + 0.05 * q.wobble) - (Math.abs(t - 0.5) < 0.02 ? 4000 : 0);
    case "val/loss":
      return loss * 0.96 + 0.1 + t * t * 0.12 * q.wobble;
    case "val/acc_top1":
      return Math.max(1, 90 - 12 * q.floor - 80 * Math.exp(-q.rate * 1.6 * t) - diverge * 4);
    case "val/acc_top5":
      return Math.max(2, 98.5 - 3 * q.floor - 75 * Math.exp(-q.rate * 2.2 * t) - diverge * 3);
    case "val/calibration_error":
      return 0.03 + 0.1 * Math.exp(-q.rate * t) + 0.03 * t * q.wobble;
    case "system/gpu.0.util":
      return 94 - 5 * q.wobble - ((t * 9) % 1 < 0.05 ? 50 : 0);
    case "system/gpu.0.memory":
      return [38, 71, 52][q.model] + q.wobble * 4;
    case "system/gpu.0.power":
      return 560 + 60 * q.wobble - ((t * 9) % 1 < 0.05 ? 300 : 0);
    case "system/cpu.util":
      return 35 + 20 * q.wobble;
    default:
      return loss + q.wobble;
  }
}

/** Runs with their series. `points` per dense series; `keys` overrides the key list (for benches). */
export function createRuns({ runs = 24, points = 4000, keys = KEYS, live = true } = {}) {
  const next = random(42);
  const now = Date.now() / 1000;
  return Array.from({ length: runs }, (_, i) => {
    const model = i % 24 < 9 ? 0 : i % 24 < 17 ? 1 : 2;
    const failed = live && (i === 6 || i === 15);
    const running = live && (i === 0 || i === 9 || i === 17);
    const state = failed
      ? "failed"
      : running
        ? "running"
        : i === 11 && live
          ? "crashed"
          : i === 19 && live
            ? "preempted"
            : "finished";
    const run = {
      run_key: `k${String(i)
        .padStart(25, "a")
        .replace(/\d/g, (d) => "abcdefghij"[Number(d)])}`,
      run_id: `r${1000 + i}`,
      number: i,
      name: `${ADJECTIVES[i % 24]}-${NOUNS[(i * 7) % 24]}-${i + 1}`,
      state,
      created_at: now - (runs - i) * 2700,
      config: {
        model: MODELS[model],
        lr: RATES[i % 4],
        optimizer: { name: i % 3 ? "adamw" : "sgd", weight_decay: 0.05 },
        batch_size: 1024,
        seed: i,
      },
      q: {
        model,
        floor: [0.62, 0.48, 0.55][model] + (next() - 0.5) * 0.22,
        start: 5.4 + next() * 1.2,
        rate: [3.4, 4.4, 3.9][model] * (0.7 + next() * 0.6),
        wobble: next(),
        diverges: i === 6 || i === 15,
      },
      tags: i % 5 === 0 ? ["baseline"] : [],
      notes:
        i === 6
          ? "Loss **diverged** after the warm-up.\n\n- try `lr=1e-4`\n- ![curve](https://example.org/x.png)\n\n<script>alert(1)</script>"
          : "",
      series: new Map(),
      next: random(i + 1),
      drawn: 0,
    };
    const share = failed ? 0.42 : running ? 0.62 : 1;
    extend(run, keys, Math.round(points * share), points);
    if (i === 4) poison(run);
    return run;
  });
}

/** Appends points up to `until` of `whole`. */
export function extend(run, keys, until, whole) {
  for (const { key, noise, every = 1, system } of keys) {
    let series = run.series.get(key);
    if (!series) {
      series = { x: [], time: [], y: [], nonfinite: [] };
      run.series.set(key, series);
    }
    for (let j = run.drawn; j < until; j++) {
      if ((j + 1) % every) continue;
      const t = (j + 1) / whole;
      const y = shape(key, run, t) * 1 + gauss(run.next) * noise * 0.6;
      series.x.push(system ? Math.round(t * 7200 * 1000) : (j + 1) * 6);
      series.time.push(t * 7200);
      series.y.push(noise && key.includes("util") ? Math.min(100, Math.max(0, y)) : y);
    }
  }
  run.drawn = until;
}

function poison(run) {
  const series = run.series.get("train/grad_norm");
  if (!series) return;
  for (const [index, value] of [
    [900, Number.NaN],
    [901, Number.NaN],
    [1500, Number.POSITIVE_INFINITY],
  ]) {
    if (index < series.y.length) series.y[index] = value;
  }
}
