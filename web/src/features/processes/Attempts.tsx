import type { Attempt, Process } from "@/api/processes";
import { slotColor } from "@/charts/core/palette";
import { useTheme } from "@/state/theme";
import { formatCount, formatDuration, formatMoment } from "@/ui/humanize";
import { StateMark } from "@/ui/StateMark";

interface AttemptsProps {
  attempts: readonly Attempt[];
  processes: readonly Process[];
  chosen: readonly string[];
}

/** The lives of every process: when it ran, how it ended, which steps it computed, and which of them again. */
export function Attempts({ attempts, processes, chosen }: AttemptsProps) {
  const theme = useTheme((store) => store.name);
  const ranks = new Map(processes.map(({ id, rank }) => [id, rank]));
  const shown = attempts.filter(({ process }) => chosen.length === 0 || chosen.includes(process));
  const ends = shown.map((attempt) => endOf(attempt, processes));
  const from = Math.min(...shown.map(({ started_at }) => started_at));
  const span = Math.max(1e-6, Math.max(...ends) - from);
  return (
    <div className="attempts">
      <table>
        <thead>
          <tr>
            <th scope="col">Process</th>
            <th scope="col">Attempt</th>
            <th scope="col" className="wide">
              When
            </th>
            <th scope="col">Steps</th>
            <th scope="col">Computed again</th>
            <th scope="col">Ended</th>
            <th scope="col">Where</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((attempt, i) => {
            const rank = ranks.get(attempt.process) ?? 0;
            const end = ends[i] ?? attempt.started_at;
            return (
              <tr key={`${attempt.process} ${attempt.life_id}`}>
                <th scope="row">rank {rank}</th>
                <td>
                  {attempt.number}
                  {attempt.resumed && <small className="muted"> resumed</small>}
                </td>
                <td className="wide">
                  <svg
                    className="attempt-bar"
                    viewBox="0 0 1000 10"
                    preserveAspectRatio="none"
                    role="img"
                    aria-label={`from ${formatMoment(attempt.started_at * 1_000)}, for ${formatDuration(end - attempt.started_at)}`}
                  >
                    <rect
                      x={((attempt.started_at - from) / span) * 1000}
                      width={Math.max(4, ((end - attempt.started_at) / span) * 1000)}
                      height={10}
                      rx={2}
                      fill={slotColor(rank, theme)}
                    />
                  </svg>
                  <small className="muted">
                    {formatMoment(attempt.started_at * 1_000)} · {formatDuration(end - attempt.started_at)}
                  </small>
                </td>
                <td>{stepsOf(attempt)}</td>
                <td>{attempt.steps_lost > 0 ? `${formatCount(attempt.steps_lost)} steps` : "–"}</td>
                <td title={attempt.reason ?? undefined}>
                  <StateMark state={attempt.state} /> {attempt.state}
                  {attempt.exit_code !== null && attempt.exit_code !== 0 && ` (${attempt.exit_code})`}
                </td>
                <td>
                  {attempt.host}
                  {attempt.pid !== null && <small className="muted"> pid {attempt.pid}</small>}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** When an attempt ended; one that has not goes on until its process was last heard of. */
function endOf(attempt: Attempt, processes: readonly Process[]): number {
  const { last_activity_at = attempt.started_at } = processes.find(({ id }) => id === attempt.process) ?? {};
  return attempt.ended_at ?? last_activity_at;
}

function stepsOf({ first_step, last_step, from_step }: Attempt): string {
  if (first_step === null || last_step === null) return "none";
  const steps = `${formatCount(first_step)} … ${formatCount(last_step)}`;
  return from_step !== null && from_step > 0 ? `${steps}, its own from ${formatCount(from_step)}` : steps;
}
