import type { Logged } from "./mediaValue";
import { postJson } from "./request";

/** At which steps a run logged a key. */
export interface StepSeries {
  run: string;
  key: string;
  kind: string;
  /** Steps there are; fewer are named when there are very many. */
  n: number;
  steps: number[];
  times: number[];
}

export interface MediaItem {
  run: string;
  key: string;
  kind: string;
  step: number;
  /** Unix seconds. */
  time: number;
  value: Logged;
  /** Values of this run and key in the range that was asked for. */
  n: number;
}

/** What to show: at a step (null = the last one), or everything in a range. */
export type Moment =
  | { step: number | null; match: "exact" | "at_or_before" | "nearest" }
  | { range: readonly [number, number] | null; limit: number };

/** Questions of several panels that come within this time are asked as one. */
const GATHER_MS = 25;
/** Larger than any step. */
const END = 2 ** 53 - 1;

/** Asks about single keys, and sends as one what belongs together. */
class Gatherer<Question, Row extends { key: string }> {
  private waiting = new Map<
    string,
    { runs: readonly string[]; question: Question; keys: Map<string, ((rows: Row[] | Error) => void)[]> }
  >();
  private readonly send: (
    runs: readonly string[],
    keys: readonly string[],
    question: Question,
  ) => Promise<Row[]>;

  constructor(
    send: (runs: readonly string[], keys: readonly string[], question: Question) => Promise<Row[]>,
  ) {
    this.send = send;
  }

  ask(runs: readonly string[], key: string, question: Question): Promise<Row[]> {
    const name = JSON.stringify([runs, question]);
    return new Promise((resolve, reject) => {
      let batch = this.waiting.get(name);
      if (!batch) {
        batch = { runs, question, keys: new Map() };
        this.waiting.set(name, batch);
        setTimeout(() => void this.flush(name), GATHER_MS);
      }
      const settle = (rows: Row[] | Error) => (rows instanceof Error ? reject(rows) : resolve(rows));
      batch.keys.set(key, [...(batch.keys.get(key) ?? []), settle]);
    });
  }

  private async flush(name: string): Promise<void> {
    const batch = this.waiting.get(name);
    this.waiting.delete(name);
    if (!batch) return;
    try {
      const rows = await this.send(batch.runs, [...batch.keys.keys()], batch.question);
      for (const [key, settles] of batch.keys) {
        const own = rows.filter((row) => row.key === key);
        for (const settle of settles) settle(own);
      }
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      for (const settle of [...batch.keys.values()].flat()) settle(error);
    }
  }
}

const steps = new Gatherer<null, StepSeries>(
  async (runs, keys) => (await postJson<{ series: StepSeries[] }>("media/steps", { runs, keys })).series,
);

const items = new Gatherer<Moment, MediaItem>(async (runs, keys, moment) => {
  const when = "match" in moment ? moment : { range: moment.range ?? [-END, END], limit: moment.limit };
  return (await postJson<{ items: MediaItem[] }>("media", { runs, keys, ...when })).items;
});

/** The steps at which runs logged a key. */
export function fetchSteps(runs: readonly string[], key: string): Promise<StepSeries[]> {
  return runs.length === 0 ? Promise.resolve([]) : steps.ask(runs, key, null);
}

/** What runs logged under a key. */
export function fetchMedia(runs: readonly string[], key: string, moment: Moment): Promise<MediaItem[]> {
  return runs.length === 0 ? Promise.resolve([]) : items.ask(runs, key, moment);
}
