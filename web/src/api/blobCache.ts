/** Bytes of blobs that are kept although nothing shows them. */
const KEEP_BYTES = 256 * 2 ** 20;
/** Downloads at a time; browsers allow six connections to a server, and the page needs one for itself. */
const PARALLEL = 4;

export interface HeldBlob {
  blob: Blob;
  /** An object URL, good until the blob is released by all and falls out of the cache. */
  url: string;
}

interface Entry {
  sha256: string;
  users: number;
  loading: Promise<HeldBlob>;
  held: HeldBlob | null;
  abort: AbortController;
}

type Fetch = (runKey: string, sha256: string, signal: AbortSignal) => Promise<Blob>;

/**
 * Blobs by their SHA-256, whichever run asked for them: equal bytes are fetched once.
 *
 * An image element cannot send the header that opens the server, so bytes are fetched here and shown by an object
 * URL. Those in use stay; of the rest the ones least recently used go first, and their URLs with them.
 */
export class BlobCache {
  private readonly entries = new Map<string, Entry>();
  private running = 0;
  private readonly queue: (() => void)[] = [];

  constructor(
    private readonly fetch: Fetch,
    private readonly keepBytes: number = KEEP_BYTES,
  ) {}

  /** Starts or joins the loading of a blob. Each call needs one `release`. */
  acquire(runKey: string, sha256: string): Promise<HeldBlob> {
    let entry = this.entries.get(sha256);
    if (!entry) {
      const abort = new AbortController();
      const made: Entry = {
        sha256,
        users: 0,
        held: null,
        abort,
        loading: this.load(runKey, sha256, abort.signal),
      };
      entry = made;
      this.entries.set(sha256, made);
      made.loading.then(
        (held) => {
          made.held = held;
          this.trim();
        },
        () => this.forget(made),
      );
    }
    entry.users++;
    return entry.loading;
  }

  /** The blob if it is here already, so that a second look does not flicker. */
  peek(sha256: string): HeldBlob | null {
    return this.entries.get(sha256)?.held ?? null;
  }

  release(sha256: string): void {
    const entry = this.entries.get(sha256);
    if (!entry) return;
    entry.users--;
    if (entry.users > 0) return;
    if (!entry.held) {
      entry.abort.abort(); // scrolled past before it came
      this.forget(entry);
      return;
    }
    // Last in the map = used last.
    this.entries.delete(sha256);
    this.entries.set(sha256, entry);
    this.trim();
  }

  private forget(entry: Entry): void {
    if (this.entries.get(entry.sha256) === entry) this.entries.delete(entry.sha256);
  }

  private async load(runKey: string, sha256: string, signal: AbortSignal): Promise<HeldBlob> {
    if (this.running >= PARALLEL) await new Promise<void>((go) => this.queue.push(go));
    this.running++;
    try {
      signal.throwIfAborted();
      const blob = await this.fetch(runKey, sha256, signal);
      return { blob, url: URL.createObjectURL(blob) };
    } finally {
      this.running--;
      this.queue.shift()?.();
    }
  }

  private trim(): void {
    let idle = 0;
    for (const { users, held } of this.entries.values()) if (users === 0) idle += held?.blob.size ?? 0;
    for (const [sha256, { users, held }] of this.entries) {
      if (idle <= this.keepBytes) return;
      if (users > 0 || !held) continue;
      this.entries.delete(sha256);
      URL.revokeObjectURL(held.url);
      idle -= held.blob.size;
    }
  }
}
