import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BlobCache } from "@/api/blobCache";

const revoked: string[] = [];
let made = 0;

beforeEach(() => {
  made = 0;
  revoked.length = 0;
  vi.stubGlobal("URL", {
    createObjectURL: () => `blob:${++made}`,
    revokeObjectURL: (url: string) => revoked.push(url),
  });
});
afterEach(() => vi.unstubAllGlobals());

const bytes = (size: number) => new Blob([new Uint8Array(size)]);

describe("the cache of blobs", () => {
  it("fetches equal bytes once, whoever asks", async () => {
    const fetch = vi.fn(async () => bytes(10));
    const cache = new BlobCache(fetch);
    const [one, other] = await Promise.all([cache.acquire("a", "x"), cache.acquire("b", "x")]);

    expect(one).toBe(other);
    expect(fetch).toHaveBeenCalledOnce();
  });

  it("keeps what is shown and gives up what was shown longest ago", async () => {
    const cache = new BlobCache(async () => bytes(60), 100);
    for (const name of ["old", "new", "shown"]) await cache.acquire("run", name);
    cache.release("old");
    cache.release("new");

    expect(revoked).toEqual(["blob:1"]);
    expect([cache.peek("old"), cache.peek("new")?.url, cache.peek("shown")?.url]).toEqual([
      null,
      "blob:2",
      "blob:3",
    ]);
  });

  it("stops a download that nobody waits for any more", async () => {
    let stopped = false;
    const cache = new BlobCache(
      (_run, _hash, signal) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => {
            stopped = true;
            reject(signal.reason);
          }),
        ),
    );
    const pending = cache.acquire("run", "x");
    cache.release("x");

    await expect(pending).rejects.toThrow();
    expect(stopped).toBe(true);
  });

  it("tries again after a failure", async () => {
    const fetch = vi.fn().mockRejectedValueOnce(new Error("gone")).mockResolvedValueOnce(bytes(1));
    const cache = new BlobCache(fetch);

    await expect(cache.acquire("run", "x")).rejects.toThrow("gone");
    await expect(cache.acquire("run", "x")).resolves.toBeDefined();
  });

  it("downloads four at a time", async () => {
    let running = 0;
    let most = 0;
    const cache = new BlobCache(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      return bytes(1);
    });
    await Promise.all(Array.from({ length: 12 }, (_, i) => cache.acquire("run", `${i}`)));

    expect(most).toBe(4);
  });
});
