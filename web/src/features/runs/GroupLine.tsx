import { useParams } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, Network } from "lucide-react";
import { memo } from "react";
import { formatCount, formatDuration, formatExact, formatSpread } from "@/ui/humanize";
import { GroupLink } from "../processes/GroupLink";
import { groupName, showValue } from "../workspace/groups";
import type { LineFrame } from "./RunLine";
import type { ShownColumn } from "./shownColumns";
import type { GroupNode, Spread } from "./spread";

interface GroupLineProps extends LineFrame {
  node: GroupNode;
  pinned: readonly ShownColumn[];
  loose: readonly { column: ShownColumn; left: number }[];
  folded: boolean;
  onFold(id: string): void;
}

/** A group: its name, how many runs, and each column as mean ± std, or as what all its runs have. */
export const GroupLine = memo(function GroupLine(props: GroupLineProps) {
  const { node, index, top, height, pinned, loose, folded } = props;
  const cell = (column: ShownColumn, place: number, left: number | null) => (
    <div
      key={column.id}
      id={`cell-${index}-${place}`}
      role="gridcell"
      aria-colindex={place + 1}
      className={`cell ${isNumeric(column) ? "numeric" : ""} ${props.active === place ? "active" : ""}`}
      style={{ width: `${column.width}px`, ...(left === null ? {} : { transform: `translateX(${left}px)` }) }}
    >
      {column.column.by === "name" ? (
        <>
          <GroupName node={node} folded={folded} onFold={() => props.onFold(node.id)} />
          {node.by === "group" && typeof node.value === "string" && <ProcessesLink group={node.value} />}
        </>
      ) : (
        column.place >= 0 && (
          <SpreadCell spread={node.spreads[column.place]} column={column} count={node.count} />
        )
      )}
    </div>
  );
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-expanded={!folded}
      aria-level={node.depth + 1}
      className="runs-line group-line"
      style={{ height: `${height}px`, transform: `translateY(${top}px)` }}
    >
      <div role="presentation" className="cells-pinned" style={{ width: `${props.pinnedWidth}px` }}>
        {pinned.map((column, i) => cell(column, i, null))}
      </div>
      <div role="presentation" className="cells-loose">
        {loose.map(({ column, left }) => cell(column, pinned.length + column.order, left))}
      </div>
    </div>
  );
});

/** A group as its launcher means it is one job. */
function ProcessesLink({ group }: { group: string }) {
  const { entity = "", project = "" } = useParams({ strict: false });
  return (
    <GroupLink
      entity={entity}
      project={project}
      group={group}
      className="group-processes"
      label={`Processes of ${group}`}
    >
      <Network size={13} />
    </GroupLink>
  );
}

function isNumeric({ kind, spark }: ShownColumn): boolean {
  return !spark && (kind === "number" || kind === "time");
}

function GroupName({ node, folded, onFold }: { node: GroupNode; folded: boolean; onFold(): void }) {
  const name = node.by.startsWith("except:") ? "config" : groupName(node.by);
  const value = nameOf(node);
  return (
    <button
      type="button"
      className={`group-name depth-${Math.min(3, node.depth)}`}
      tabIndex={-1}
      aria-expanded={!folded}
      title={`${name} ${pathValue(node.value)}`}
      onClick={onFold}
    >
      {folded ? <ChevronRight size={14} /> : <ChevronDown size={14} />}
      <small>{name}</small>
      <b>{value}</b>
      <span className="count">{formatCount(node.count)}</span>
    </button>
  );
}

/** A folder within another is named by its last part, where it stands. */
function nameOf({ by, value, depth }: GroupNode): string {
  if (by !== "folder" || typeof value !== "string") return pathValue(value);
  return depth === 0 ? value : (value.split("/").at(-1) ?? value);
}

/** A group's value in one line; all config but some keys is a list of keys and values. */
function pathValue(value: unknown): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return showValue(value);
  const entries = Object.entries(value);
  return entries.length === 0
    ? "all equal"
    : entries.map(([key, inner]) => `${key} ${showValue(inner)}`).join(" · ");
}

function SpreadCell({
  spread,
  column,
  count,
}: {
  spread: Spread | undefined;
  column: ShownColumn;
  count: number;
}) {
  if (!spread || (spread.n === 0 && spread.distinct === 0)) return <span className="cell-missing">–</span>;
  const { n, mean, std, common, distinct } = spread;
  const shown =
    column.column.by === "runtime"
      ? { mean: formatDuration(mean), deviation: null }
      : formatSpread(mean, std);
  if (common !== undefined && typeof common !== "number")
    return <span className="cell-text">{showValue(common)}</span>;
  if (column.kind === "number" && n > 0) {
    return (
      <span
        className="cell-number spread"
        title={`mean ${formatExact(mean)}, standard deviation ${formatExact(std)} (n − 1), ${formatCount(n)} of ${formatCount(count)} runs`}
      >
        <b>{shown.mean}</b>
        {shown.deviation !== null && <span> ± {shown.deviation}</span>}
        {n !== count && <small> ({formatCount(n)})</small>}
      </span>
    );
  }
  if (column.kind === "time") return null;
  return (
    <span className="cell-distinct">
      {formatCount(distinct)} {distinct === 1 ? "value" : "values"}
    </span>
  );
}
