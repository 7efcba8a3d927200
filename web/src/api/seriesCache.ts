import type { Series } from "./frames";

/** A cached answer; `series` is null if the run has no such key. */
export interface CacheEntry {
  series: Series | null;
  /** Tick of the request, to compare with the ticks of later changes. */
  tick: number;
}

/** What an entry costs besides its columns (object, key, map slot). */
const OVERHEAD_BYTES = 400;

/** Least-recently-used cache of series, bounded by the bytes of their typed arrays. */
export class SeriesCache {
  private readonly entries = new Map<string, CacheEntry>();
  private bytes = 0;

  constructor(private readonly limitBytes: number) {}

  get(key: string): CacheEntry | undefined {
    const entry = this.entries.get(key);
    if (entry) {
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return entry;
  }

  set(key: string, entry: CacheEntry): void {
    this.remove(key);
    this.entries.set(key, entry);
    this.bytes += cost(entry);
    for (const oldest of this.entries.keys()) {
      if (this.bytes <= this.limitBytes || oldest === key) break;
      this.remove(oldest);
    }
  }

  clear(): void {
    this.entries.clear();
    this.bytes = 0;
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  private remove(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.bytes -= cost(entry);
  }
}

function cost(entry: CacheEntry): number {
  return OVERHEAD_BYTES + (entry.series?.bytes ?? 0);
}
