import type { RunDetail } from "@/api/types";
import { formatBytes, formatCount } from "@/ui/humanize";
import { flatten, livesApart } from "./flatten";

/** One line of what is known of a run. */
export interface Fact {
  name: string;
  value: string;
  /** Shown as it would be typed. */
  mono: boolean;
}

export interface FactGroups {
  start: Fact[];
  git: Fact[];
  machine: Fact[];
  inputs: { name: string; digest: string; about: string }[];
  hidden: { where: string; count: number }[];
  /** How the config was found: argparse, hydra, … */
  argumentsFrom: string | null;
  packages: number | null;
  environment: Fact[];
  rest: Fact[];
}

const NAMED = new Set(["name", "group", "job_type", "folder", "parent", "tags", "notes", "reproduces"]);
const START = ["command", "program", "cwd", "python", "executable", "pid"];
/** Topics with a place of their own. */
const TOPICS = new Set([
  "git",
  "code",
  "packages",
  "hardware",
  "arguments",
  "environment",
  "inputs",
  "hidden",
  "model",
  "os",
  "cpu_count",
]);

/** Sorts what the run's records say about how and where it was started. */
export function factsOf(run: RunDetail): FactGroups {
  const meta = livesApart(run.meta);
  const git = record(meta.git);
  const hardware = record(meta.hardware);
  const packages = record(meta.packages);
  const start = START.flatMap((name) => fact(name, meta[name], true));
  const machine = [
    ...fact("host", run.host),
    ...fact("os", meta.os),
    ...fact("cpu", hardware.cpu),
    ...fact("cores", hardware.cpu_cores ?? hardware.cpu_count ?? meta.cpu_count),
    ...fact("memory", typeof hardware.memory_bytes === "number" ? formatBytes(hardware.memory_bytes) : null),
    ...list(hardware.gpus).flatMap((gpu, i) => {
      const { name, memory_bytes: memory } = record(gpu);
      const size = typeof memory === "number" ? ` · ${formatBytes(memory)}` : "";
      return fact(`gpu ${i}`, name ? `${String(name)}${size}` : null);
    }),
    ...fact("driver", hardware.driver),
    ...fact("cuda", hardware.cuda),
  ];
  const rest = Object.entries(meta).filter(
    ([name]) => !NAMED.has(name) && !TOPICS.has(name) && !START.includes(name),
  );
  return {
    start,
    git:
      typeof git.commit === "string"
        ? [
            ...fact("commit", git.commit, true),
            ...fact("branch", git.detached ? "none (detached)" : git.branch),
            ...fact("message", git.message),
            ...fact("state", git.dirty ? "uncommitted changes" : "clean"),
            ...fact("remote", git.remote, true),
          ]
        : [],
    machine,
    inputs: list(meta.inputs).map((input) => {
      const { name, digest, source, kind } = record(input);
      return {
        name: String(name ?? ""),
        digest: String(digest ?? ""),
        about: [kind, source].filter(Boolean).map(String).join(" · "),
      };
    }),
    hidden: list(meta.hidden).map((one) => {
      const { where, count } = record(one);
      return { where: String(where ?? ""), count: Number(count ?? 1) };
    }),
    argumentsFrom: text(record(meta.arguments).source),
    packages: typeof packages.count === "number" ? packages.count : null,
    environment: Object.entries(record(meta.environment)).flatMap(([name, value]) => fact(name, value, true)),
    rest: [
      ...flatten(Object.fromEntries(rest)).flatMap(([name, value]) => fact(name, value, true)),
      ...flatten(record(meta.model)).flatMap(([name, value]) =>
        fact(`model ${name}`, typeof value === "number" ? formatCount(value) : value),
      ),
    ],
  };
}

const TITLES: Readonly<Record<string, string>> = { cwd: "directory", os: "system", gpu: "GPU", cpu: "CPU" };

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | null {
  return typeof value === "string" && value ? value : null;
}

function fact(name: string, value: unknown, mono = false): Fact[] {
  if (value === null || value === undefined || value === "") return [];
  const shown = Array.isArray(value)
    ? value.join(" ")
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value);
  return [{ name: TITLES[name] ?? name.replaceAll("_", " "), value: shown, mono }];
}
