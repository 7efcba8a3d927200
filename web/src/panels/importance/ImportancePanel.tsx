import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { columnName, columnTitle, metricOf } from "@/api/columns";
import type { ImportanceReply } from "@/api/statistics";
import { parseNumber } from "@/api/types";
import { formatCount } from "@/ui/humanize";
import { useInView } from "@/ui/useInView";
import { useSelection } from "../cast";
import { useGuess } from "../matrix/guess";
import { PanelFrame } from "../PanelFrame";
import type { PanelProps } from "../registry";
import { useSource } from "../source";
import { type ImportanceSettings, METHODS } from "./settings";
import "@/styles/plots.css";

/** Which parameters of the configuration decide about a metric. */
export default function ImportancePanel({ settings }: PanelProps<ImportanceSettings>) {
  const selection = useSelection();
  const source = useSource();
  const guess = useGuess(settings.metric === null);
  const column = settings.metric ?? guess.metric;
  const [frame, visible] = useInView<HTMLElement>();
  const metric = column && (metricOf(column) ?? column.by);
  const ask = { metric: metric ?? "", agg: column?.agg ?? "last", method: settings.method } as const;
  const found = useQuery({
    queryKey: [...selection.key, "importance", selection.query, ask],
    queryFn: ({ signal }) => source.importance(selection.query, ask, signal),
    enabled: visible && metric !== null,
    placeholderData: keepPreviousData,
    staleTime: 10_000,
    retry: false,
  });
  const reply = found.data;
  const title = column ? columnTitle(column) : "";
  return (
    <PanelFrame
      ref={frame}
      badges={reply && <span className="badge">{methodName(reply.method)}</span>}
      {...(reply ? { exports: { table: () => tableOf(reply) } } : {})}
      footer={
        reply && (
          <span className="points-note" title={reply.warnings.join(" ")}>
            {formatCount(reply.n)} runs{reply.warnings.length > 0 ? ` · ${reply.warnings[0]}` : ""}
          </span>
        )
      }
    >
      {reply && reply.params.length > 0 && <ImportanceTable reply={reply} title={title} />}
      {found.error && <p className="panel-error">{found.error.message}</p>}
      {guess.ready && !column && <p className="panel-empty">Choose a metric in the settings.</p>}
      {reply?.params.length === 0 && (
        <p className="panel-empty">
          {reply.warnings[0] ?? `No setting varies among the runs that have “${title}”.`}
        </p>
      )}
    </PanelFrame>
  );
}

function methodName(method: string): string {
  return METHODS.find(([name]) => name === method)?.[1] ?? method;
}

function ImportanceTable({ reply, title }: { reply: ImportanceReply; title: string }) {
  const most = Math.max(...reply.params.map(({ importance }) => parseNumber(importance) ?? 0), 1e-12);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="importance" tabIndex={0} aria-label={`What decides about ${title}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">setting</th>
            <th scope="col">importance</th>
            <th scope="col" title="Spearman's rank correlation: +1 = the metric rises with the setting">
              correlation
            </th>
          </tr>
        </thead>
        <tbody>
          {reply.params.map(({ by, importance, correlation, n }) => {
            const [weight, rho] = [parseNumber(importance), parseNumber(correlation)];
            return (
              <tr key={by} title={`${formatCount(n)} runs`}>
                <th scope="row">{columnName({ by }).name}</th>
                <td>
                  <span className="weight">
                    <i style={{ width: `${((weight ?? 0) / most) * 100}%` }} />
                  </span>
                  <b>{weight === null ? "–" : weight.toFixed(2)}</b>
                </td>
                <td>
                  <span className="rho">
                    {rho !== null && (
                      <i
                        className={rho < 0 ? "minus" : "plus"}
                        style={{
                          left: `${50 + Math.min(0, rho) * 50}%`,
                          width: `${Math.abs(rho) * 50}%`,
                        }}
                      />
                    )}
                  </span>
                  <b>{rho === null ? "–" : `${rho < 0 ? "−" : "+"}${Math.abs(rho).toFixed(2)}`}</b>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function tableOf(reply: ImportanceReply) {
  return {
    columns: ["setting", "importance", "correlation", "runs"],
    rows: reply.params.map(({ by, importance, correlation, n }) => [
      columnName({ by }).name,
      parseNumber(importance),
      parseNumber(correlation),
      n,
    ]),
  };
}
