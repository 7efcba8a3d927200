import { apiUrl, basePath } from "./base";
import { authorizedFetch, getAccess } from "./session";
import { readEvents } from "./sse";
import type { Changes } from "./types";

/** How news reach this tab. */
export type LiveStatus = "connecting" | "live" | "polling" | "offline";

/** The stream pings every 10 s; silence for longer means that it is dead, whatever the socket says. */
const SILENCE_MS = 15_000;
const POLL_MS = 5_000;
const RETRY_MS = 1_000;

/**
 * News of one project, for this tab.
 *
 * One tab holds the event stream and tells the others: over HTTP/1.1 a browser opens six connections
 * per server, and with a stream in each tab the sixth tab would hang. The stream's lock frees itself
 * when its tab goes, and the next tab takes over. Where locks do not exist (plain http in a LAN) each
 * visible tab streams for itself. A tab that hears nothing asks by itself every five seconds.
 */
export class LiveFeed {
  status: LiveStatus = "connecting";

  private readonly stopped = new AbortController();
  private readonly channel: BroadcastChannel | null;
  private heardAt = Date.now();
  private readonly watchdog: ReturnType<typeof setInterval>;
  private polling = false;

  constructor(
    private readonly entity: string,
    private readonly project: string,
    private seq: number,
    private readonly onChanges: (changes: Changes) => void,
    private readonly onStatus: (status: LiveStatus) => void,
  ) {
    const topic = `treering-live:${basePath()}:${entity}/${project}`;
    this.channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(topic);
    let introduced = false;
    this.channel?.addEventListener("message", (message: MessageEvent<Changes | null>) => {
      // The streaming tab may be ahead of this one; what lies between is asked once.
      if (!introduced) void this.poll();
      introduced = true;
      this.hear(message.data);
    });
    this.watchdog = setInterval(() => {
      if (Date.now() - this.heardAt >= SILENCE_MS && !document.hidden) void this.poll();
    }, POLL_MS);
    const { signal } = this.stopped;
    if (navigator.locks) {
      navigator.locks.request(topic, { signal }, () => this.holdStream(signal)).catch(() => undefined);
    } else {
      void this.holdStreamWhileVisible(signal);
    }
  }

  stop(): void {
    this.stopped.abort();
    clearInterval(this.watchdog);
    this.channel?.close();
  }

  private async holdStream(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && getAccess().kind !== "none") {
      await this.stream(signal);
      await pause(RETRY_MS, signal);
    }
  }

  private async holdStreamWhileVisible(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const hidden = new AbortController();
      const watch = () => document.hidden && hidden.abort();
      document.addEventListener("visibilitychange", watch);
      if (!document.hidden) await this.stream(AbortSignal.any([signal, hidden.signal]));
      document.removeEventListener("visibilitychange", watch);
      await pause(RETRY_MS, signal);
    }
  }

  /** Reads one stream until it ends. */
  private async stream(signal: AbortSignal): Promise<void> {
    const silent = new AbortController();
    let timer = setTimeout(() => silent.abort(), SILENCE_MS);
    try {
      const response = await authorizedFetch(
        new Request(this.url("live"), {
          headers: { Accept: "text/event-stream" },
          cache: "no-store",
          signal: AbortSignal.any([signal, silent.signal]),
        }),
      );
      if (!response.ok || !response.body) return;
      for await (const { event, data } of readEvents(response.body)) {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), SILENCE_MS);
        const changes = event === "change" ? (JSON.parse(data) as Changes) : null;
        this.channel?.postMessage(changes);
        this.hear(changes);
      }
    } catch {
      // Broken, silent or stopped: the caller tries again, and the watchdog polls meanwhile.
    } finally {
      clearTimeout(timer);
    }
  }

  /** Takes news (or a ping, null) from the own stream or another tab's. */
  private hear(changes: Changes | null): void {
    this.heardAt = Date.now();
    this.setStatus("live");
    if (changes) this.accept(changes);
  }

  private accept(changes: Changes): void {
    this.seq = changes.reset ? changes.seq : Math.max(this.seq, changes.seq);
    if (changes.reset || changes.runs.length > 0) this.onChanges(changes);
  }

  private async poll(): Promise<void> {
    if (this.polling || getAccess().kind === "none") return;
    this.polling = true;
    try {
      const response = await authorizedFetch(
        new Request(this.url("changes"), { signal: this.stopped.signal }),
      );
      if (!response.ok) throw new Error(String(response.status));
      if (Date.now() - this.heardAt >= SILENCE_MS) this.setStatus("polling");
      this.accept((await response.json()) as Changes);
    } catch {
      if (!this.stopped.signal.aborted) this.setStatus("offline");
    } finally {
      this.polling = false;
    }
  }

  private setStatus(status: LiveStatus): void {
    if (status === this.status) return;
    this.status = status;
    this.onStatus(status);
  }

  private url(route: string): string {
    const query = new URLSearchParams({
      entity: this.entity,
      project: this.project,
      since: String(this.seq),
    });
    return `${apiUrl(route)}?${query}`;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
