import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type ArtifactName, type ChangedEntry, routeOfVersion } from "@/api/artifacts";
import { fetchBlob } from "@/api/blobs";
import { ErrorNote } from "@/ui/ErrorNote";
import { unifiedDiff } from "@/ui/source/lineDiff";
import { PatchView } from "../run/code/PatchView";
import "@/styles/run.css";

interface EntryDifferenceProps {
  artifact: ArtifactName;
  entry: ChangedEntry;
  versions: readonly [string, string];
}

/** The lines that differ in a text file of two versions. */
export default function EntryDifference({ artifact, entry, versions }: EntryDifferenceProps) {
  const { a_sha256, b_sha256, path } = entry;
  const texts = useQuery({
    queryKey: ["texts", a_sha256, b_sha256],
    queryFn: async ({ signal }) => {
      const read = async (version: string, sha256: string | null) => {
        const blob = await fetchBlob(routeOfVersion(artifact, version), sha256 ?? "", signal);
        const bytes = new Uint8Array(await blob.arrayBuffer());
        return bytes.includes(0) ? null : new TextDecoder().decode(bytes);
      };
      return Promise.all([read(versions[0], a_sha256), read(versions[1], b_sha256)]);
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  const patch = useMemo(() => {
    const [before, after] = texts.data ?? [null, null];
    if (before === null || after === null) return null;
    return `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n${unifiedDiff(before, after)}`;
  }, [texts.data, path]);
  if (texts.error) return <ErrorNote error={texts.error} />;
  if (!texts.data) return <div className="media-note pulse" aria-busy="true" />;
  if (patch === null) return <p className="muted">These are no texts; their bytes differ.</p>;
  return (
    <div className="entry-difference">
      <PatchView text={patch} />
    </div>
  );
}
