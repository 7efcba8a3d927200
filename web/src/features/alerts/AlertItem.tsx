import { Link } from "@tanstack/react-router";
import { Check, CircleAlert, Info, TriangleAlert, Undo2 } from "lucide-react";
import type { Alert, AlertLevel, Condition } from "@/api/alerts";
import { parseNumber } from "@/api/types";
import { formatCount, formatDuration, formatMoment } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { AlertChart } from "./AlertChart";

interface AlertItemProps {
  alert: Alert;
  /** What its rule watches for now, to draw the bound; null if that is not known. */
  condition: Condition | null;
  /** Their names by id; null for whoever may not know them. */
  channels: ReadonlyMap<string, string> | null;
  onSeen: ((seen: boolean) => void) | null;
  /** Where it is not among the alerts of one run. */
  namesRun?: boolean;
}

/** An alert: what is the matter, where, whether it still is so, and who was told. */
export function AlertItem({ alert, condition, channels, onSeen, namesRun = false }: AlertItemProps) {
  const { entity, project, run_id, run_name } = alert;
  return (
    <li className={alert.seen_by === null ? "alert fresh" : "alert"}>
      <LevelMark level={alert.level} />
      <div className="alert-main">
        <b>
          {alert.title}
          {alert.is_open && <span className="badge open">still so</span>}
        </b>
        {alert.text && <p>{alert.text}</p>}
        {alert.repeats > 0 && (
          <p className="muted">and {formatCount(alert.repeats)} times before, held back by the training</p>
        )}
        <p className="muted alert-facts">
          {namesRun && (
            <Link
              to="/$entity/$project/runs/$run_id/$tab"
              params={{ entity, project, run_id, tab: "overview" }}
            >
              {run_name}
            </Link>
          )}
          <span>{alert.source === "code" ? "from the code" : "by a rule"}</span>
          <time dateTime={new Date(alert.time * 1000).toISOString()} title={formatMoment(alert.time * 1000)}>
            {new Date(alert.time * 1000).toLocaleTimeString(undefined, { timeStyle: "short" })}
          </time>
          {alert.over_at !== null && <span>{over(alert.over_at - alert.time)}</span>}
          {alert.seen_by !== null && <span>seen by {alert.seen_by}</span>}
          {told(alert, channels) && <span>{told(alert, channels)}</span>}
        </p>
        {Object.entries(alert.undelivered).map(([id, why]) => (
          <p key={id} className="alert-undelivered">
            {`Not delivered to ${channels === null ? "a channel" : (channels.get(id) ?? "a channel that is gone")}: ${why}`}
          </p>
        ))}
      </div>
      {alert.key !== null && alert.step !== null && (
        <AlertChart
          runKey={alert.run_key}
          metric={alert.key}
          step={alert.step}
          value={parseNumber(alert.value)}
          bound={condition?.kind === "threshold" ? (condition.value ?? null) : null}
        />
      )}
      {onSeen && (
        <IconButton
          label={alert.seen_by === null ? `Seen: ${alert.title}` : `New again: ${alert.title}`}
          onClick={() => onSeen(alert.seen_by === null)}
          className="alert-seen"
        >
          {alert.seen_by === null ? <Check size={16} /> : <Undo2 size={15} />}
        </IconButton>
      )}
    </li>
  );
}

const LEVELS: Record<AlertLevel, readonly [string, typeof Info]> = {
  INFO: ["Info", Info],
  WARN: ["Warning", TriangleAlert],
  ERROR: ["Error", CircleAlert],
};

/** The level by shape and colour. */
export function LevelMark({ level }: { level: AlertLevel }) {
  const [name, Shape] = LEVELS[level];
  return (
    <span className={`level level-${level.toLowerCase()}`} title={name}>
      <Shape size={17} aria-hidden="true" />
      <span className="visually-hidden">{name}</span>
    </span>
  );
}

function over(seconds: number): string {
  return seconds < 1 ? "over at once" : `over after ${formatDuration(seconds)}`;
}

function told(alert: Alert, channels: ReadonlyMap<string, string> | null): string {
  const names = Object.keys(alert.delivered).flatMap((id) => channels?.get(id) ?? []);
  return names.length > 0 ? `told ${names.join(", ")}` : "";
}
