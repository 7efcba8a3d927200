import { Download } from "lucide-react";
import type { ReactNode } from "react";
import type { HeldBlob } from "@/api/blobCache";
import { ApiError } from "@/api/error";
import type { BlobRef } from "@/api/mediaValue";
import { formatBytes } from "@/ui/humanize";
import { type BlobState, useBlob } from "./useBlob";

interface BlobGateProps {
  runKey: string;
  blob: BlobRef;
  wanted?: boolean;
  children(held: HeldBlob): ReactNode;
}

/** Shows what is made of a blob once it is here; says why it is not. */
export function BlobGate({ runKey, blob, wanted = true, children }: BlobGateProps) {
  const state = useBlob(runKey, blob, wanted);
  return state.status === "ready" ? children(state.held) : <BlobNote state={state} bytes={blob.size} />;
}

/** What stands where a blob will be. */
export function BlobNote({ state, bytes }: { state: BlobState; bytes: number }) {
  switch (state.status) {
    case "large":
      return (
        <div className="media-note">
          <button type="button" className="button" onClick={state.load}>
            <Download size={14} />
            Load {formatBytes(bytes)}
          </button>
        </div>
      );
    case "failed":
      return (
        <div className="media-note bad" role="alert">
          {state.error instanceof ApiError && state.error.status === 404
            ? "These bytes have not arrived at this server yet."
            : state.error.message}
        </div>
      );
    case "loading":
      return <div className="media-note pulse" aria-busy="true" title={`Loading ${formatBytes(bytes)}`} />;
    default:
      return <div className="media-note" />;
  }
}
