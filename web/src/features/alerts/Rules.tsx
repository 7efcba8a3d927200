import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, Radar } from "lucide-react";
import { useState } from "react";
import { alertKeys, changeRule, channelsQuery, deleteRule, type Rule, rulesQuery } from "@/api/alerts";
import { projectQuery } from "@/api/queries";
import { getAccess } from "@/api/session";
import { Switch } from "@/panels/settings/fields";
import { DeleteButton } from "@/ui/DeleteDialog";
import { ErrorLine } from "@/ui/ErrorLine";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatDay } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { LevelMark } from "./AlertItem";
import { RuleForm } from "./RuleForm";

interface RulesProps {
  entity: string;
  project: string;
  metric: string | null;
}

/** What is watched in every run of the project. */
export function Rules({ entity, project, metric }: RulesProps) {
  const list = useQuery(rulesQuery(entity, project));
  const detail = useQuery(projectQuery(entity, project));
  const channels = useQuery({ ...channelsQuery(entity, project), enabled: getAccess().kind !== "share" });
  const [open, setOpen] = useState<Rule | "new" | null>(metric === null ? null : "new");
  if (list.error) return <ErrorNote error={list.error} />;
  const rules = list.data?.rules ?? [];
  const mayEdit = list.data?.may_edit ?? false;
  return (
    <>
      <div className="alerts-bar">
        <p className="muted">
          The server judges every run that is running, point by point, whoever has a page open.
        </p>
        <span className="grow" />
        {mayEdit && open === null && (
          <button type="button" className="button primary" onClick={() => setOpen("new")}>
            <Plus size={14} /> New rule
          </button>
        )}
      </div>
      {mayEdit && open !== null && (
        <RuleForm
          key={open === "new" ? "new" : `${open.id} ${open.version}`}
          entity={entity}
          project={project}
          keys={detail.data?.keys ?? []}
          channels={channels.data?.channels ?? []}
          old={open === "new" ? null : open}
          metric={metric ?? ""}
          onDone={() => setOpen(null)}
        />
      )}
      {list.data && rules.length === 0 && open === null && (
        <div className="empty">
          <Radar size={20} />
          <b>Nothing is watched yet</b>
          <span>
            A bound, NaN, a jump, no progress, silence, a run that dies: a rule notices it in every run.
          </span>
        </div>
      )}
      {rules.length > 0 && (
        <section className="block" aria-label="Rules of this project">
          <ul className="rows">
            {rules.map((rule) => (
              <Row
                key={rule.id}
                rule={rule}
                channels={channels.data?.channels.map(({ id, name }) => [id, name] as const) ?? []}
                mayEdit={mayEdit}
                onEdit={() => setOpen(rule)}
              />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

interface RowProps {
  rule: Rule;
  channels: readonly (readonly [string, string])[];
  mayEdit: boolean;
  onEdit(): void;
}

function Row({ rule, channels, mayEdit, onEdit }: RowProps) {
  const queries = useQueryClient();
  const settle = () => queries.invalidateQueries({ queryKey: alertKeys.rules(rule.entity, rule.project) });
  const turn = useMutation({
    mutationFn: (enabled: boolean) => changeRule(rule.id, { version: rule.version, enabled }),
    onSettled: settle,
  });
  const remove = useMutation({ mutationFn: () => deleteRule(rule.id), onSettled: settle });
  const error = turn.error ?? remove.error;
  return (
    <li className={rule.enabled ? "" : "off"}>
      {mayEdit && (
        <Switch
          label={`Watch: ${rule.name}`}
          checked={turn.isPending ? turn.variables : rule.enabled}
          onChange={(enabled) => turn.mutate(enabled)}
        />
      )}
      <LevelMark level={rule.spec.level} />
      <span className="row-main">
        <b>{rule.name}</b>
        <span>
          {rule.text}
          {rule.spec.filter && (
            <>
              {" "}
              in runs where <span className="mono">{rule.spec.filter}</span>
            </>
          )}
        </span>
        <span className="muted">{about(rule, channels)}</span>
        {rule.spec.note && <span>{rule.spec.note}</span>}
        {error && <ErrorLine error={error} />}
      </span>
      {mayEdit && (
        <>
          <IconButton label={`Change ${rule.name}`} onClick={onEdit}>
            <Pencil size={15} />
          </IconButton>
          <DeleteButton label={`Delete ${rule.name}`} title="Delete rule" onDelete={() => remove.mutate()}>
            <p>Delete “{rule.name}” for everybody in this project? What it has raised stays.</p>
          </DeleteButton>
        </>
      )}
    </li>
  );
}

function about(rule: Rule, channels: readonly (readonly [string, string])[]): string {
  const chosen = rule.spec.channels;
  const names = channels.filter(([id]) => chosen === null || chosen.includes(id)).map(([, name]) => name);
  const tells =
    chosen !== null && chosen.length === 0
      ? "only on this page"
      : names.length > 0
        ? `tells ${names.join(", ")}`
        : "only on this page: there is no channel";
  const made = `by ${rule.created_by}, ${formatDay(rule.created_at * 1000)}`;
  const changed = rule.version > 1 ? `, changed by ${rule.changed_by}` : "";
  return `${rule.enabled ? tells : "turned off"} · ${made}${changed}`;
}
