import type { Keep, VersionRow } from "@/api/artifacts";
import { formatMoment } from "@/ui/humanize";

/** A rule of retention in words. */
export function keepText(keep: Keep | null): string {
  if (!keep) return "all versions";
  if (keep.kind === "last")
    return keep.count === 1 ? "the newest version" : `the newest ${keep.count} versions`;
  const by = keep.goal === "minimize" ? "lowest" : "highest";
  return `the ${keep.count} with the ${by} ${keep.metric ?? "metric"}, and the newest`;
}

/** Why a version is not there any more. */
export function removedText({ removed }: VersionRow): string {
  if (!removed) return "";
  const by = { retention: "by the rule of retention", expiry: "when its time was over" }[removed.by];
  const why = removed.why ? `: ${removed.why}` : "";
  return `Removed ${by ?? `by ${removed.by}`}, ${formatMoment(removed.at * 1000)}${why}`;
}

/** The aliases of a version with the one that moves by itself last. */
export function orderedAliases(aliases: readonly string[]): string[] {
  return [...aliases].sort((a, b) => Number(a === "latest") - Number(b === "latest") || a.localeCompare(b));
}

/** How a script gets a version: what to paste into it. */
export function usageCode(
  artifact: { entity: string; project: string; name: string },
  version: string,
): string {
  const ref = `${artifact.entity}/${artifact.project}/${artifact.name}:${version}`;
  return `artifact = run.use_artifact(${JSON.stringify(ref)})\nfolder = artifact.download()`;
}
