import { useMemo, useState } from "react";
import type { Process, ProcessAxis, ProcessKey, Where } from "@/api/processes";
import { formatCount } from "@/ui/humanize";
import type { ChartForm } from "./address";
import { ProcessChart } from "./ProcessChart";

interface ProcessChartsProps {
  where: Where;
  keys: readonly ProcessKey[];
  processes: readonly Process[];
  chosen: readonly string[];
  form: ChartForm;
  axis: ProcessAxis;
  search: string;
  running: boolean;
}

/** Charts beyond this are shown when they are asked for. */
const CHARTS_AT_FIRST = 60;

/** A chart for every metric and sensor that the processes have; they zoom together. */
export function ProcessCharts({ keys, search, ...rest }: ProcessChartsProps) {
  const { axis } = rest;
  const [zoom, setZoom] = useState<{ axis: ProcessAxis; range: readonly [number, number] } | null>(null);
  const [all, setAll] = useState(false);
  const wanted = useMemo(() => {
    const text = search.trim().toLowerCase();
    return keys.filter(({ key }) => key.toLowerCase().includes(text));
  }, [keys, search]);
  const shown = all ? wanted : wanted.slice(0, CHARTS_AT_FIRST);
  const range = zoom?.axis === axis ? zoom.range : null;
  const ids = useMemo(() => rest.processes.map(({ id, rank }) => ({ id, rank })), [rest.processes]);
  if (keys.length === 0) {
    return (
      <div className="empty">
        <b>No metrics yet</b>
        <span>What the processes log appears here.</span>
      </div>
    );
  }
  return (
    <>
      <div className="process-charts">
        {shown.map((info) => (
          <ProcessChart
            key={info.key}
            {...rest}
            processes={ids}
            info={info}
            range={range}
            onRange={(next) => setZoom(next && { axis, range: next })}
          />
        ))}
      </div>
      {wanted.length === 0 && <p className="list-empty">No metric matches “{search}”.</p>}
      {wanted.length > shown.length && (
        <button type="button" className="button" onClick={() => setAll(true)}>
          Show {formatCount(wanted.length - shown.length)} more
        </button>
      )}
    </>
  );
}
