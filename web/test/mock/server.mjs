// A stand-in for the Python server, for work on components without it: the routes of the contract
// over generated data, with the real content security policy. Not used by the end-to-end tests.
//
//   node test/mock/server.mjs [port] [runs] [points] [keys]

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { createRuns, extend, KEYS } from "./data.mjs";
import { encodeFrames } from "./frames.mjs";

const [port = "6470", runCount = "24", pointCount = "4000", keyCount = "0"] = process.argv.slice(2);
const STATIC = join(import.meta.dirname, "../../../src/treering/server/static");
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html" };
const points = Number(pointCount);
const bench = Number(keyCount) > 0;
const keys = bench
  ? Array.from({ length: Number(keyCount) }, (_, i) => ({ key: `bench/metric_${i}`, noise: 0.1 }))
  : KEYS;
const runs = createRuns({ runs: Number(runCount), points, keys, live: !bench });
const ENTITY = "acme";
const PROJECT = "vit-pretrain";
let seq = 1;
const listeners = new Set();

const flat = (value, prefix = "") =>
  Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === "object" && inner !== null
      ? flat(inner, `${prefix}${key}.`)
      : [[`${prefix}${key}`, inner]],
  );
const stats = (series) => {
  const finite = series.y.filter(Number.isFinite);
  return {
    last: series.y.at(-1) ?? null,
    first: series.y[0] ?? null,
    min: finite.reduce((a, b) => Math.min(a, b), Infinity),
    max: finite.reduce((a, b) => Math.max(a, b), -Infinity),
    mean: finite.reduce((a, b) => a + b, 0) / finite.length,
    n: series.y.length,
    last_step: series.x.at(-1) ?? null,
  };
};
const keyInfo = ({ key, system, unit = null, goal = null }) => ({
  key,
  kind: system ? "system" : "number",
  runs: runs.length,
  step_metric: null,
  goal,
  unit,
  summary: [],
  hidden: false,
});
const row = (run, { metrics = [] } = {}) => ({
  run_key: run.run_key,
  run_id: run.run_id,
  name: run.name,
  number: run.number,
  state: run.state,
  created_at: run.created_at,
  ended_at: run.state === "running" ? null : run.created_at + 7200,
  last_activity_at: run.created_at + 7200,
  runtime_s: 7200 * (run.drawn / points),
  entity: ENTITY,
  project: PROJECT,
  group: null,
  job_type: null,
  tags: run.tags,
  notes: run.notes,
  host: "node-7",
  config: Object.fromEntries(flat(run.config)),
  metrics: Object.fromEntries(
    metrics.filter((key) => run.series.has(key)).map((key) => [key, stats(run.series.get(key))]),
  ),
  loss: run.number === 11 ? { gaps: 1, points: 240 } : null,
  damaged: run.number === 11,
  archived: false,
  error: null,
});

function query(body) {
  let found = runs;
  if (body.search) {
    const test = body.regex
      ? (text) => new RegExp(body.search).test(text)
      : (text) => text.includes(body.search);
    found = found.filter((run) => test(run.name) || test(run.run_id));
  }
  if (body.filter) {
    const id = /^id = "(.*)"$/.exec(body.filter);
    const match = id ?? /^state = "(\w+)"$/.exec(body.filter);
    if (!match)
      return {
        status: 400,
        body: {
          error: {
            code: "invalid_filter",
            message: `filter: unexpected text at 1: ${body.filter}`,
            hint: 'Try: state = "failed"',
          },
        },
      };
    found = found.filter((run) => (id ? run.run_id : run.state) === match[1]);
  }
  const rows = found.map((run) => row(run, body));
  const [{ by, agg = "last", desc = false } = { by: "created_at", desc: true }] = body.sort ?? [];
  const sortedBy = (entry) =>
    by.startsWith("metric:")
      ? entry.metrics[by.slice(7)]?.[agg]
      : by.startsWith("config.")
        ? entry.config[by.slice(7)]
        : by === "runtime"
          ? entry.runtime_s
          : entry[by];
  rows.sort((a, b) => {
    const [x, y] = [sortedBy(a), sortedBy(b)];
    return (x < y ? -1 : x > y ? 1 : 0) * (desc ? -1 : 1);
  });
  let groups = null;
  if (body.group?.length) {
    const map = new Map();
    for (const entry of rows) {
      const path = body.group.map((by) => ({
        by,
        value: by.startsWith("config.") ? entry.config[by.slice(7)] : entry[by],
      }));
      const id = JSON.stringify(path);
      if (!map.has(id)) map.set(id, { path, count: 0, runs: [], metrics: {}, rows: [] });
      const group = map.get(id);
      group.count++;
      group.runs.push(entry.run_key);
      group.rows.push(entry);
    }
    groups = [...map.values()].map(({ rows: members, ...group }) => {
      for (const key of body.metrics ?? []) {
        const values = members
          .map((entry) => entry.metrics[key]?.[agg])
          .filter((value) => value !== undefined);
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        group.metrics[key] = {
          mean,
          std: 0,
          min: Math.min(...values),
          max: Math.max(...values),
          n: values.length,
        };
      }
      return group;
    });
  }
  return {
    status: 200,
    body: {
      runs: rows.slice(body.offset ?? 0, (body.offset ?? 0) + (body.limit ?? 100)),
      match: rows.length,
      total: bench ? rows.length : 1284,
      groups,
      seq,
    },
  };
}

/** Thins one series like the real server: last, lowest, highest of each bucket. */
function thin(run, key, { x: axis, range, buckets }) {
  const series = run.series.get(key);
  if (!series) return null;
  const xs =
    axis === "relative" || key.startsWith("system/")
      ? series.time
      : axis === "wall"
        ? series.time.map((t) => run.created_at + t)
        : axis.startsWith("metric:")
          ? (run.series.get(axis.slice(7))?.y ?? [])
          : series.x;
  const inside = [];
  for (let i = 0; i < xs.length; i++) if (!range || (xs[i] >= range[0] && xs[i] <= range[1])) inside.push(i);
  const total = inside.length;
  const marks = { x: [], kind: [] };
  for (const i of inside)
    if (!Number.isFinite(series.y[i])) {
      marks.x.push(xs[i]);
      marks.kind.push(Number.isNaN(series.y[i]) ? 1 : series.y[i] > 0 ? 2 : 3);
    }
  const common = {
    run: run.run_key,
    group: null,
    key,
    total,
    total_all: xs.length,
    nonfinite: marks.x.length ? { x: ["f8", marks.x], kind: ["u1", marks.kind] } : null,
    ghost: ghostOf(run, key),
    first_x: xs[0] ?? null,
    last_x: xs.at(-1) ?? null,
  };
  if (total <= buckets)
    return {
      ...common,
      exact: true,
      x: ["f8", inside.map((i) => xs[i])],
      y: ["f8", inside.map((i) => series.y[i])],
      lo: null,
      hi: null,
      count: null,
    };
  const out = { x: [], y: [], lo: [], hi: [], count: [] };
  const low = xs[inside[0]],
    width = (xs[inside.at(-1)] - low) / buckets;
  let bucket = -1;
  for (const i of inside) {
    const b = Math.min(buckets - 1, Math.floor((xs[i] - low) / width));
    const value = series.y[i];
    if (b !== bucket) {
      bucket = b;
      out.x.push(xs[i]);
      out.y.push(value);
      out.lo.push(value);
      out.hi.push(value);
      out.count.push(1);
      continue;
    }
    const n = out.x.length - 1;
    out.x[n] = xs[i];
    if (Number.isFinite(value)) {
      out.y[n] = value;
      out.lo[n] = Math.min(out.lo[n], value);
      out.hi[n] = Math.max(out.hi[n], value);
    }
    out.count[n]++;
  }
  return {
    ...common,
    exact: false,
    x: ["f8", out.x],
    y: ["f4", out.y],
    lo: ["f4", out.lo],
    hi: ["f4", out.hi],
    count: ["u4", out.count],
  };
}

function ghostOf(run, key) {
  if (run.number !== 2 || key !== "train/loss") return null;
  const x = Array.from({ length: 60 }, (_, i) => 9000 + i * 60);
  return { x: ["f8", x], y: ["f8", x.map((at) => 1.2 + Math.sin(at / 400) * 0.3)] };
}

function series(body) {
  const entries = [],
    missing = [];
  for (const key of body.keys) {
    for (const run_key of body.runs ?? []) {
      const run = runs.find((candidate) => candidate.run_key === run_key);
      const entry = run && thin(run, key, body);
      if (entry) entries.push(entry);
      else missing.push({ run: run_key, key });
    }
    for (const group of body.groups ?? []) {
      const members = group.runs
        .map((key_) => runs.find((run) => run.run_key === key_))
        .map((run) => thin(run, key, { ...body, buckets: 200 }))
        .filter(Boolean);
      const longest = members.reduce((a, b) => (b.x[1].length > a.x[1].length ? b : a));
      const y = [],
        lo = [],
        hi = [],
        count = [];
      longest.x[1].forEach((_, i) => {
        const values = members.map((member) => member.y[1][i]).filter(Number.isFinite);
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        const std = Math.sqrt(
          values.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, values.length - 1),
        );
        y.push(mean);
        lo.push(mean - std);
        hi.push(mean + std);
        count.push(values.length);
      });
      entries.push({
        ...longest,
        run: null,
        group: group.id,
        exact: false,
        y: ["f8", y],
        lo: ["f8", lo],
        hi: ["f8", hi],
        count: ["u4", count],
        nonfinite: null,
        ghost: null,
      });
    }
  }
  return encodeFrames({ x: body.x, range: body.range, seq, missing }, entries);
}

const detail = (run) => ({
  ...row(run, { metrics: keys.map(({ key }) => key) }),
  config: run.config,
  summary: Object.fromEntries([...run.series].map(([key, value]) => [key, value.y.at(-1)])),
  keys: keys
    .filter(({ key }) => run.series.has(key))
    .map((key) => ({ ...keyInfo(key), ...stats(run.series.get(key.key)) })),
  meta: {
    command: ["python", "train.py", "--lr", "1e-3"],
    python: "3.11.9",
    os: "Linux 6.1",
    cwd: "/home/ana/vit",
    git: { commit: "9c1f2e7", branch: "main", dirty: false },
  },
  end:
    run.state === "failed"
      ? {
          state: "failed",
          exit_code: 1,
          reason: "FloatingPointError: loss is nan",
          traceback:
            'Traceback (most recent call last):\n  File "train.py", line 212, in <module>\n    loss = step(batch)\n  File "train.py", line 88, in step\n    raise FloatingPointError("loss is nan")\nFloatingPointError: loss is nan',
        }
      : null,
  writers: [
    {
      label: "",
      host: "node-7",
      pid: 4121,
      rank: 0,
      state: run.state,
      last_beat_at: null,
      segments: 1,
      bytes: 1_482_113,
      synced_bytes: null,
    },
    {
      label: "system",
      host: "node-7",
      pid: 4121,
      rank: null,
      state: run.state,
      last_beat_at: null,
      segments: 1,
      bytes: 92_113,
      synced_bytes: null,
    },
  ],
  guarantee: { saved: true, fsynced: run.state !== "running", uploaded: false },
  damage: run.number === 11 ? [{ segment: "ab12cd34", offset: 48_112, length: 512, reason: "checksum" }] : [],
  defines: [],
  url: `/r/${run.run_key}`,
});

const api = {
  "GET session": () => ({
    version: "0.0.0",
    mode: "local",
    data_dir: "~/.treering",
    hostname: "mock",
    entity: ENTITY,
  }),
  "POST session": () => ({ token: "mock", expires_at: 0 }),
  "GET projects": () => ({
    projects: [
      {
        entity: ENTITY,
        project: PROJECT,
        runs: 1284,
        running: 3,
        failed: 2,
        created_at: 0,
        last_activity_at: Date.now() / 1000,
        spark: {
          key: keys[0].key,
          values: runs[0].series.get(keys[0].key).y.filter((_, i) => i % Math.ceil(runs[0].drawn / 40) === 0),
        },
      },
    ],
  }),
  [`GET projects/${ENTITY}/${PROJECT}`]: () => ({
    entity: ENTITY,
    project: PROJECT,
    runs: runs.length,
    running: runs.filter((run) => run.state === "running").length,
    keys: keys.map(keyInfo),
    config_keys: flat(runs[0].config).map(([key, value]) => ({
      key,
      type: typeof value,
      distinct: new Set(runs.map((run) => JSON.stringify(Object.fromEntries(flat(run.config))[key]))).size,
    })),
    defines: [],
  }),
};

function changes() {
  return {
    seq,
    reset: false,
    runs: runs
      .filter((run) => run.state === "running")
      .map((run) => ({ run_key: run.run_key, seq, state: run.state, keys_changed: false, rows: 1 })),
  };
}

if (!bench) {
  setInterval(() => {
    seq++;
    for (const run of runs)
      if (run.state === "running" && run.drawn < points)
        extend(run, keys, Math.min(points, run.drawn + 5), points);
    for (const send of listeners) send(`event: change\ndata: ${JSON.stringify(changes())}\n\n`);
  }, 1000);
}

function shell(reply) {
  const nonce = randomBytes(12).toString("base64");
  reply.setHeader("Content-Type", "text/html");
  reply.setHeader(
    "Content-Security-Policy",
    `default-src 'self'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' blob: data:; media-src 'self' blob:; frame-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'`,
  );
  reply.end(readFileSync(join(STATIC, "index.html"), "utf8").replace("__NONCE__", nonce));
}

createServer(async (request, reply) => {
  const url = new URL(request.url, "http://mock");
  const path = decodeURIComponent(url.pathname).slice(1);
  if (!path.startsWith("api/1/")) {
    const file = join(STATIC, path);
    if (path && existsSync(file) && extname(file)) {
      reply.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
      reply.end(readFileSync(file));
    } else shell(reply);
    return;
  }
  const route = path.slice("api/1/".length);
  const name = `${request.method} ${route}`;
  let text = "";
  for await (const chunk of request) text += chunk;
  const body = text ? JSON.parse(text) : null;
  const json = (value, status = 200) => {
    reply.writeHead(status, { "Content-Type": "application/json" });
    reply.end(
      JSON.stringify(value, (_, item) =>
        typeof item === "number" && !Number.isFinite(item) ? String(item) : item,
      ),
    );
  };
  if (name !== "POST session" && request.headers.authorization !== "Bearer mock")
    return json({ error: { code: "no_token", message: "no token" } }, 401);
  if (api[name]) return json(api[name]());
  if (name === "POST runs/query") {
    const answer = query(body);
    return json(answer.body, answer.status);
  }
  if (name === "POST series") {
    reply.writeHead(200, { "Content-Type": "application/x-treering-frames" });
    return reply.end(series(body));
  }
  if (name === "GET changes") return json(changes());
  if (name === "GET live") {
    reply.writeHead(200, { "Content-Type": "text/event-stream" });
    const send = (event) => reply.write(event);
    send("event: ping\ndata: {}\n\n");
    listeners.add(send);
    const ping = setInterval(() => send("event: ping\ndata: {}\n\n"), 10_000);
    request.on("close", () => {
      listeners.delete(send);
      clearInterval(ping);
    });
    return;
  }
  const run = runs.find((candidate) => route === `runs/${candidate.run_key}`);
  if (run && request.method === "PATCH") Object.assign(run, body);
  if (run) return json(detail(run));
  return json({ error: { code: "not_found", message: `no route ${name}` } }, 404);
}).listen(Number(port), "127.0.0.1", function () {
  console.log(`http://127.0.0.1:${this.address().port}/#t=mock`);
});
