import type { Lack } from "@/api/types";
import { formatBytes, formatCount, formatMoment } from "@/ui/humanize";

/** What a run lacks, one line each: what, how much, where. */
export function LackList({ lacks }: { lacks: readonly Lack[] }) {
  return (
    <ul className="lacks">
      {lacks.map((lack) => (
        <li key={`${lack.reason}:${lack.segment}:${lack.offset ?? ""}:${lack.since ?? ""}`}>
          <b>{TITLES[lack.reason] ?? lack.reason}</b>
          {amount(lack)} {lack.text}
          {lack.since != null && (
            <span className="muted">
              {" "}
              ({formatMoment(lack.since * 1000)}
              {lack.until != null && ` to ${formatMoment(lack.until * 1000)}`})
            </span>
          )}
          {lack.segment && (
            <span className="muted">
              {" "}
              {lack.writer || "main"} · <code>{lack.segment.slice(0, 8)}</code>
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

const TITLES: Record<string, string> = {
  gap: "Gap",
  media: "Media",
  damaged: "Damaged",
  short: "Short",
  unsealed: "No end",
  not_fsynced: "Not fsynced",
  unreadable: "Unreadable",
};

function amount({ records, bytes }: Lack): string {
  if (records > 0) return ` ${formatCount(records)} ${records === 1 ? "record" : "records"}:`;
  return bytes > 0 ? ` ${formatBytes(bytes)}:` : ":";
}
