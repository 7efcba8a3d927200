import { AlertTriangle, ShieldCheck } from "lucide-react";
import type { RunDetail } from "@/api/types";
import { formatBytes, formatCount } from "@/ui/humanize";

/** Says whether everything that was logged is here, and names what is not. */
export function Guarantee({ run }: { run: RunDetail }) {
  const { guarantee, loss, damage } = run;
  const whole = !loss && damage.length === 0;
  const held = [
    guarantee.saved && "saved to disk",
    guarantee.fsynced && "synced (survives a power cut)",
    guarantee.uploaded && "uploaded",
  ].filter(Boolean);
  return (
    <section className={`block guarantee ${whole ? "" : "warn-block"}`} aria-label="Completeness">
      {whole ? <ShieldCheck size={16} /> : <AlertTriangle size={16} />}
      <div>
        {whole ? (
          <p>Nothing is missing{held.length > 0 ? `: ${held.join(", ")}.` : "."}</p>
        ) : (
          <p>
            <b>Some of this run is missing.</b> What can be read is shown.
          </p>
        )}
        {loss && (
          <p>
            {formatCount(loss.points)} points in {formatCount(loss.gaps)} {loss.gaps === 1 ? "gap" : "gaps"}{" "}
            were not recorded; the run was told so when it logged them.
          </p>
        )}
        {damage.map(({ segment, offset, length, reason }) => (
          <p key={`${segment}:${offset}`}>
            Segment <code>{segment.slice(0, 8)}</code>: {formatBytes(length)} at byte {formatCount(offset)}{" "}
            cannot be read ({reason}).
          </p>
        ))}
      </div>
    </section>
  );
}
