import { Link } from "@tanstack/react-router";
import { type Finding, type Process, processName } from "@/api/processes";
import { slotColor } from "@/charts/core/palette";
import { setHover } from "@/state/hover";
import { useTheme } from "@/state/theme";
import { formatCount, formatDuration, formatMoment } from "@/ui/humanize";
import { StateMark } from "@/ui/StateMark";
import { Swatch } from "@/ui/Swatch";

interface ProcessListProps {
  processes: readonly Process[];
  findings: readonly Finding[];
  chosen: readonly string[];
  truncated: boolean;
  onToggle(id: string): void;
  onAll(): void;
}

/** Every process by rank. A click shows it alone, another one beside it; none chosen = all. */
export function ProcessList({ processes, findings, chosen, truncated, onToggle, onAll }: ProcessListProps) {
  const theme = useTheme((store) => store.name);
  const several = new Set(processes.map(({ run_key }) => run_key)).size > 1;
  const hosts = new Set(processes.map(({ host }) => host)).size > 1;
  const stands = new Map<string, string>();
  for (const { process, kind } of findings) if (!stands.has(process)) stands.set(process, kind);
  return (
    <section className="process-list" aria-label="Processes">
      <header>
        <h2>Processes</h2>
        <span className="grow" />
        {chosen.length > 0 && (
          <button type="button" className="link" onClick={onAll}>
            Show all {formatCount(processes.length)}
          </button>
        )}
      </header>
      <ul>
        {processes.map((process) => {
          const on = chosen.includes(process.id);
          const stand = stands.get(process.id);
          return (
            <li
              key={process.id}
              className={chosen.length > 0 && !on ? "off" : ""}
              onPointerEnter={() => setHover({ id: process.id, cursor: null })}
              onPointerLeave={() => setHover({ id: null, cursor: null })}
            >
              <button
                type="button"
                className="process"
                aria-pressed={on}
                title={aboutProcess(process)}
                onClick={() => onToggle(process.id)}
              >
                <Swatch color={slotColor(process.rank, theme)} dash={[]} />
                <b>{processName(process)}</b>
                <StateMark state={process.state} />
                {stand && <span className={`badge ${stand === "dead" ? "bad" : "warn"}`}>{stand}</span>}
                <span className="grow" />
                <small>
                  {hosts && process.host ? `${process.host} · ` : ""}
                  {process.last_step === null ? "no step" : `step ${formatCount(process.last_step)}`}
                </small>
              </button>
              {several && (
                <Link className="process-run" to="/r/$run_key" params={{ run_key: process.run_key }}>
                  {process.run_name}
                </Link>
              )}
            </li>
          );
        })}
      </ul>
      {truncated && <p className="muted">There are more; the first are shown.</p>}
    </section>
  );
}

function aboutProcess(process: Process): string {
  return [
    process.run_name,
    process.host && `on ${process.host}`,
    process.pid !== null && `pid ${process.pid}`,
    process.local_rank !== null && `local rank ${process.local_rank}`,
    `started ${formatMoment(process.started_at * 1_000)}`,
    `ran ${formatDuration(process.runtime_s)}`,
    `${formatCount(process.points)} points`,
    process.attempts > 1 && `${process.attempts} attempts`,
  ]
    .filter(Boolean)
    .join(", ");
}
