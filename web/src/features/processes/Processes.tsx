import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fetchProcesses, type Process, type Processes as Reply, type Where } from "@/api/processes";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatCount } from "@/ui/humanize";
import { Segmented } from "@/ui/Segmented";
import { Attempts } from "./Attempts";
import { useProcessAddress } from "./address";
import { Findings } from "./Findings";
import { ProcessCharts } from "./ProcessCharts";
import { ProcessList } from "./ProcessList";
import { ProcessLog } from "./ProcessLog";
import "@/styles/processes.css";
import "@/styles/run.css";

interface ProcessesProps {
  where: Where;
  name: string;
}

const RUNNING_EVERY_MS = 5_000;
const NO_REPLY: Reply = { processes: [], attempts: [], keys: [], findings: [], truncated: false };

/** The processes of a job: what stands out, each of them, and what they logged and printed, together and alone. */
export function Processes({ where, name }: ProcessesProps) {
  const [address, change] = useProcessAddress();
  const found = useQuery({
    queryKey: ["processes", where],
    queryFn: ({ signal }) => fetchProcesses(where, signal),
    refetchInterval: ({ state }) => (state.data?.processes.some(isRunning) ? RUNNING_EVERY_MS : false),
    retry: false,
  });
  const { processes, attempts, keys, findings, truncated } = found.data ?? NO_REPLY;
  const chosen = useMemo(
    () => address.chosen.filter((id) => processes.some((process) => process.id === id)),
    [address.chosen, processes],
  );
  const toggle = (id: string) =>
    change({ chosen: chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id] });
  const running = processes.some(isRunning);

  if (found.error) return <ErrorNote error={found.error} />;
  if (!found.data) return <main id="main" className="page processes" aria-busy="true" />;
  return (
    <main id="main" className="page processes">
      <div className="page-head">
        <h1>{name}</h1>
        <span className="muted">{headline(processes)}</span>
      </div>
      <Findings findings={findings} />
      <div className="processes-body">
        <ProcessList
          processes={processes}
          findings={findings}
          chosen={chosen}
          truncated={truncated}
          onToggle={toggle}
          onAll={() => change({ chosen: [] })}
        />
        <section className="processes-main" aria-label="What they did">
          <div className="processes-bar" role="toolbar" aria-label="What is shown">
            <Segmented
              label="What is shown"
              value={address.show}
              options={[
                ["charts", "Charts"],
                ["logs", "Logs"],
                ["attempts", "Attempts"],
              ]}
              onChange={(show) => change({ show })}
            />
            {address.show === "charts" && (
              <>
                <Segmented
                  label="Form of the charts"
                  value={address.form}
                  options={[
                    ["band", "Band"],
                    ["each", "Each rank"],
                    ["heatmap", "Heatmap"],
                  ]}
                  onChange={(form) => change({ form })}
                />
                <Segmented
                  label="Over"
                  value={address.x}
                  options={[
                    ["step", "Step"],
                    ["relative", "Relative"],
                    ["wall", "Wall"],
                  ]}
                  onChange={(x) => change({ x })}
                />
                <input
                  type="search"
                  className="text-input"
                  aria-label="Filter metrics"
                  placeholder="Filter metrics"
                  value={address.search}
                  onChange={(event) => change({ search: event.target.value })}
                />
              </>
            )}
          </div>
          {address.show === "charts" && (
            <ProcessCharts
              where={where}
              keys={keys}
              processes={processes}
              chosen={chosen}
              form={address.form}
              axis={address.x}
              search={address.search}
              running={running}
            />
          )}
          {address.show === "logs" && (
            <ProcessLog where={where} chosen={chosen} processes={processes} running={running} />
          )}
          {address.show === "attempts" && (
            <Attempts attempts={attempts} processes={processes} chosen={chosen} />
          )}
        </section>
      </div>
    </main>
  );
}

function isRunning({ state }: Pick<Process, "state">): boolean {
  return state === "running";
}

/** How many there are, on how many machines, and how they are. */
export function headline(processes: readonly Pick<Process, "host" | "state">[]): string {
  const hosts = new Set(processes.map(({ host }) => host)).size;
  const states = new Map<string, number>();
  for (const { state } of processes) states.set(state, (states.get(state) ?? 0) + 1);
  return [
    count(processes.length, "process", "processes"),
    count(hosts, "host", "hosts"),
    ...[...states].map(([state, n]) => `${formatCount(n)} ${state}`),
  ].join(" · ");
}

function count(n: number, one: string, many: string): string {
  return `${formatCount(n)} ${n === 1 ? one : many}`;
}
