import { createContext, useContext, useEffect, useState } from "react";
import type { HeldBlob } from "@/api/blobCache";
import { blobs } from "@/api/blobs";
import { ApiError } from "@/api/error";
import type { BlobRef } from "@/api/mediaValue";

/** More than this is fetched only when somebody asks for it. */
export const LARGE_BYTES = 20 * 2 ** 20;

const AGAIN_MS = 5_000;

export type BlobState =
  | { status: "waiting" }
  | { status: "large"; load(): void }
  | { status: "loading" }
  | { status: "ready"; held: HeldBlob }
  | { status: "failed"; error: Error };

/** The route of what keeps the bytes of runs that may be gone, as `reports/ID`; null = runs have them. */
export const KeeperContext = createContext<string | null>(null);

/** Bytes of a run while they are shown. `null` or not *wanted*: nothing is fetched. */
export function useBlob(runKey: string, ref: BlobRef | null, wanted = true): BlobState {
  const owner = useContext(KeeperContext) ?? runKey;
  const sha256 = ref?.sha256 ?? null;
  const large = (ref?.size ?? 0) > LARGE_BYTES;
  const [asked, setAsked] = useState<string | null>(null);
  const [settled, setSettled] = useState<{ sha256: string; result: HeldBlob | Error } | null>(null);
  const [attempt, setAttempt] = useState(0);
  const start = sha256 !== null && wanted && (!large || asked === sha256);
  useEffect(() => {
    if (!start || sha256 === null) return;
    let current = true;
    let retry: ReturnType<typeof setTimeout> | null = null;
    const settle = (result: HeldBlob | Error) => {
      if (!current) return;
      setSettled({ sha256, result });
      // A run on another machine sends its bytes behind the rows that name them.
      if (result instanceof ApiError && result.status === 404) {
        retry = setTimeout(() => setAttempt(attempt + 1), AGAIN_MS);
      }
    };
    blobs.acquire(owner, sha256).then(settle, settle);
    return () => {
      current = false;
      if (retry !== null) clearTimeout(retry);
      blobs.release(sha256);
    };
  }, [owner, sha256, start, attempt]);

  if (sha256 === null || !wanted) return { status: "waiting" };
  if (!start) return { status: "large", load: () => setAsked(sha256) };
  if (settled?.sha256 === sha256) {
    const { result } = settled;
    return result instanceof Error ? { status: "failed", error: result } : { status: "ready", held: result };
  }
  const held = blobs.peek(sha256);
  return held ? { status: "ready", held } : { status: "loading" };
}
