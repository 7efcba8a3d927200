import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { METRIC } from "@/api/columns";
import { projectQuery, queryKeys } from "@/api/queries";
import { fetchSeeds, type Goal, type SeedGroup, type SeedsReply } from "@/api/statistics";
import { parseNumber } from "@/api/types";
import { mainMetric } from "@/panels/matrix/guess";
import { Choice } from "@/ui/Choice";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatCount, formatNumber, formatSpread } from "@/ui/humanize";
import { Picker } from "@/ui/Picker";
import { goalOf } from "../runs/catalog";
import { showValue } from "../workspace/groups";
import type { CompareAddress } from "./compareAddress";
import { GroupVerdict } from "./GroupVerdict";
import { type IntervalScale, Intervals, intervalScale } from "./Intervals";

interface SeedsProps {
  entity: string;
  project: string;
  address: CompareAddress;
  onChange(change: Partial<CompareAddress>): void;
}

const AGGS = [
  ["last", "last"],
  ["min", "min"],
  ["max", "max"],
  ["mean", "mean"],
  ["first", "first"],
] as const;

/** Configurations ranked by the mean over their seeds, and two of them set against each other. */
export default function Seeds({ entity, project, address, onChange }: SeedsProps) {
  const detail = useQuery(projectQuery(entity, project));
  const keys = detail.data?.keys ?? [];
  const info = keys.find(({ key }) => key === address.metric) ?? mainMetric(keys);
  const goal = address.goal ?? goalOf(info ?? undefined);
  const agg = address.agg ?? goal ?? "last";
  const selection = { entity, project, ...(address.filter ? { filter: address.filter } : {}) };
  const ask = { metric: info?.key ?? "", agg, goal };
  const found = useQuery({
    queryKey: [...queryKeys.runs(entity, project), "seeds", selection, ask],
    queryFn: ({ signal }) => fetchSeeds(selection, ask, signal),
    enabled: info !== null,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const options = keys
    .filter(({ kind, hidden }) => kind === "number" && !hidden)
    .map(({ key, goal: declared }) => ({ value: key, label: key, note: declared ?? "" }));
  return (
    <div className="seeds">
      <div className="compare-bar">
        <Picker
          label="Metric"
          options={options}
          selected={info ? [info.key] : []}
          onPick={(metric) => onChange({ metric, agg: null, goal: null })}
          trigger={
            <button type="button" className="button">
              <span className="label">Metric</span>
              <span className="button-text">{info?.key ?? "choose"}</span>
              <ChevronDown size={13} />
            </button>
          }
        />
        <Choice
          label="Which value of the metric"
          value={AGGS.find(([name]) => name === agg)?.[0] ?? "last"}
          options={AGGS}
          onChange={(next) => onChange({ agg: next })}
        />
        <Choice
          label="Better is"
          value={goal ?? "none"}
          options={[
            ["none", "better is not said"],
            ["max", "higher is better"],
            ["min", "lower is better"],
          ]}
          onChange={(next) => onChange({ goal: next === "none" ? null : next })}
        />
        {found.data && <SeedsNote reply={found.data} />}
      </div>
      {found.error && <ErrorNote error={found.error} />}
      {detail.data && !info && (
        <div className="empty">
          <b>No metric has been logged yet</b>
        </div>
      )}
      {found.data && info && (
        <Ranking reply={found.data} metric={info.key} agg={agg} goal={goal} unit={info.unit} />
      )}
    </div>
  );
}

function SeedsNote({ reply }: { reply: SeedsReply }) {
  const repeated = reply.groups.filter(({ n }) => n > 1).length;
  return (
    <span className="muted">
      {formatCount(reply.groups.length)} configurations, {formatCount(repeated)} with more than one run; told
      apart by {reply.varying.length > 0 ? reply.varying.join(", ") : "nothing"}
      {reply.ignored.length > 0 && `, whatever ${reply.ignored.join(", ")}`}
    </span>
  );
}

/** Groups that are drawn; there may be as many as runs. */
const SHOWN = 200;

interface RankingProps {
  reply: SeedsReply;
  metric: string;
  agg: string;
  goal: Goal | null;
  unit: string | null;
}

function Ranking({ reply, metric, agg, goal }: RankingProps) {
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const repeated = reply.groups.filter(({ n }) => n > 1);
  const [single, setSingle] = useState(false);
  // Of a configuration that ran once nothing can be said but its one value.
  const listed = single || repeated.length === 0 ? reply.groups : repeated;
  const groups = listed.slice(0, SHOWN);
  const varying = varyingKeys(listed, reply.varying);
  const scale = intervalScale(groups);
  const picked = chosen.flatMap((hash) => reply.groups.find((group) => group.hash === hash) ?? []);
  const choose = (hash: string) =>
    setChosen((now) =>
      now.includes(hash) ? now.filter((other) => other !== hash) : [...now.slice(-1), hash],
    );
  const [a, b] = picked;
  return (
    <div className="seeds-body">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="seeds-scroll" tabIndex={0} aria-label="Configurations by rank">
        <table className="seeds-table">
          <thead>
            <tr>
              <th scope="col">
                <span className="visually-hidden">Choose</span>
              </th>
              <th scope="col">Configuration</th>
              <th scope="col" className="number">
                Runs
              </th>
              <th scope="col" className="number">
                Mean ± std
              </th>
              <th scope="col">
                <ScaleHead scale={scale} metric={`${metric} ${agg}`} />
              </th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group, place) => (
              <SeedRow
                key={group.hash}
                group={group}
                keys={varying}
                scale={scale}
                rank={place + 1}
                side={chosen.indexOf(group.hash)}
                onChoose={() => choose(group.hash)}
              />
            ))}
          </tbody>
        </table>
        {repeated.length > 0 && repeated.length < reply.groups.length && (
          <p className="list-empty">
            <button type="button" className="link" onClick={() => setSingle(!single)}>
              {single
                ? "Only configurations with more than one run"
                : `Also the ${formatCount(reply.groups.length - repeated.length)} that ran once`}
            </button>
          </p>
        )}
        {listed.length > SHOWN && (
          <p className="list-empty">{formatCount(listed.length - SHOWN)} more are not shown.</p>
        )}
      </section>
      <aside className="verdict" aria-live="polite" aria-label="Comparison">
        {a && b ? (
          <GroupVerdict
            a={a}
            b={b}
            names={[labelOf(a, b), labelOf(b, a)]}
            metric={METRIC + metric}
            agg={agg}
            goal={goal}
          />
        ) : (
          <div className="empty">
            <b>{a ? "Choose a second configuration" : "Choose two configurations"}</b>
            <span>
              Then this says whether the runs tell them apart, by how much, and how many more would.
            </span>
          </div>
        )}
      </aside>
    </div>
  );
}

/** Keys in which the listed groups differ; all of them if they differ in none. */
function varyingKeys(groups: readonly SeedGroup[], keys: readonly string[]): readonly string[] {
  const differs = (key: string) =>
    new Set(groups.map(({ label }) => JSON.stringify(label[key] ?? null))).size > 1;
  const found = keys.filter(differs);
  return found.length > 0 ? found : keys;
}

interface SeedRowProps {
  group: SeedGroup;
  keys: readonly string[];
  scale: IntervalScale;
  rank: number;
  /** 0 or 1 where it is chosen as first or second; −1 = not. */
  side: number;
  onChoose(): void;
}

function SeedRow({ group, keys, scale, rank, side, onChoose }: SeedRowProps) {
  const mean = parseNumber(group.mean);
  const spread = mean === null ? null : formatSpread(mean, group.n > 1 ? (parseNumber(group.std) ?? 0) : 0);
  const label = fullLabel(group);
  return (
    <tr className={side >= 0 ? "chosen" : ""}>
      <td>
        <input
          type="checkbox"
          className="row-mark"
          aria-label={`Compare ${label}`}
          checked={side >= 0}
          onChange={onChoose}
        />
      </td>
      <th scope="row">
        <button type="button" className="seed-label" title={label} onClick={onChoose}>
          <small>{rank}</small>
          {keys.map((key) => (
            <span key={key}>
              <small>{key}</small> {showValue(group.label[key])}
            </span>
          ))}
          {keys.length === 0 && <span>all runs</span>}
        </button>
      </th>
      <td className="number">{formatCount(group.n)}</td>
      <td className="number">
        {spread ? (
          <>
            <b>{spread.mean}</b>
            {spread.deviation !== null && <span className="muted"> ± {spread.deviation}</span>}
          </>
        ) : (
          <span className="cell-missing">–</span>
        )}
      </td>
      <td>
        <Intervals group={group} scale={scale} chosen={side >= 0} />
      </td>
    </tr>
  );
}

function ScaleHead({ scale, metric }: { scale: IntervalScale; metric: string }) {
  return (
    <span className="scale-head">
      <span>{formatNumber(scale.low)}</span>
      <span className="muted">{metric}: runs, mean and 95 % interval</span>
      <span>{formatNumber(scale.high)}</span>
    </span>
  );
}

function fullLabel({ label }: SeedGroup): string {
  return Object.entries(label)
    .map(([key, value]) => `${key} ${showValue(value)}`)
    .join(", ");
}

/** What tells a group from another one. */
export function labelOf(group: SeedGroup, other: SeedGroup): string {
  const differing = Object.entries(group.label).filter(
    ([key, value]) => JSON.stringify(other.label[key]) !== JSON.stringify(value),
  );
  return (
    differing.map(([key, value]) => `${key} ${showValue(value)}`).join(", ") || fullLabel(group) || "all runs"
  );
}
