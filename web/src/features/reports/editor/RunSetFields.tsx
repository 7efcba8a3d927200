import { useQuery } from "@tanstack/react-query";
import type { Place } from "@/api/pictures";
import { projectQuery } from "@/api/queries";
import { evaluationQuery } from "@/api/reports";
import { TextField } from "@/panels/settings/fields";
import { SettingRow } from "@/panels/settings/SettingRow";
import type { Json } from "@/state/layout";
import { formatCount } from "@/ui/humanize";
import { Picker } from "@/ui/Picker";
import { useDebounced } from "@/ui/useDebounced";
import { type Fields, writeBlock } from "../blocks";

interface RunSetFieldsProps {
  set: Fields;
  place: Place;
  onChange(set: Fields): void;
}

const TYPING_MS = 300;

/** Which runs are meant, in fields, with how many that are. */
export function RunSetFields({ set, place, onChange }: RunSetFieldsProps) {
  const detail = useQuery(projectQuery(place.entity, place.project));
  const put = (name: string, value: Json | undefined) => {
    const { [name]: _, ...rest } = set;
    onChange(value === undefined || value === "" ? rest : { ...rest, [name]: value });
  };
  const text = (name: string) => (typeof set[name] === "string" ? set[name] : "");
  const list = (name: string) => {
    const value = set[name];
    return Array.isArray(value)
      ? value.filter((one) => typeof one === "string")
      : text(name)
        ? [text(name)]
        : [];
  };
  const groups = list("group");
  const listed = (name: string) => list(name).join(", ");
  const split = (value: string) => {
    const parts = value.split(",").map((part) => part.trim());
    return value.trim() === "" ? undefined : parts.filter((part, n) => part !== "" || n === parts.length - 1);
  };
  return (
    <div className="run-set-fields">
      <SettingRow label="Filter" wide>
        <TextField
          label="Filter"
          value={text("filter")}
          placeholder='state = "finished" and config.lr < 0.1'
          onChange={(value) => put("filter", value)}
        />
      </SettingRow>
      <SettingRow label="Only these runs" wide>
        <TextField
          label="Only these runs"
          value={listed("runs")}
          placeholder="ids or names, with commas between"
          onChange={(value) => put("runs", split(value))}
        />
      </SettingRow>
      <SettingRow label="Group by" wide>
        <span className="chips">
          {groups.map((by) => (
            <button
              key={by}
              type="button"
              className="chip"
              aria-label={`Do not group by ${by}`}
              onClick={() => put("group", without(groups, by))}
            >
              <span className="chip-text">{by.replace(/^config\./, "")}</span>
            </button>
          ))}
          <Picker
            label="Group by"
            options={[
              ...["group", "job_type", "state"].map((by) => ({ value: by, label: by, note: "run" })),
              ...(detail.data?.config_keys ?? []).map(({ key }) => ({
                value: `config.${key}`,
                label: key,
                note: "config",
              })),
            ]}
            selected={groups}
            keepOpen
            onPick={(by) => put("group", groups.includes(by) ? without(groups, by) : [...groups, by])}
            trigger={
              <button type="button" className="chip on">
                Choose…
              </button>
            }
          />
        </span>
      </SettingRow>
      <SettingRow label="Order" wide>
        <TextField
          label="Order"
          value={text("order")}
          placeholder="-created_at, or metric:val/acc@max"
          onChange={(value) => put("order", value)}
        />
      </SettingRow>
      <SettingRow label="The first">
        <TextField
          label="How many runs"
          value={typeof set.limit === "number" ? String(set.limit) : ""}
          placeholder="all"
          onChange={(value) => put("limit", /^[1-9]\d{0,5}$/.test(value.trim()) ? Number(value) : undefined)}
        />
      </SettingRow>
      <SettingRow label="On top" wide>
        <TextField
          label="Runs that lie on top"
          value={listed("pinned")}
          placeholder="ids or names"
          onChange={(value) => put("pinned", split(value))}
        />
      </SettingRow>
      <RunCount set={set} place={place} />
    </div>
  );
}

function without(list: readonly string[], value: string): string[] | undefined {
  const rest = list.filter((one) => one !== value);
  return rest.length > 0 ? rest : undefined;
}

/** How many runs a set means, or what is wrong with it. */
function RunCount({ set, place }: { set: Fields; place: Place }) {
  const asked = useDebounced(writeBlock({ runs: { set } }), TYPING_MS);
  const found = useQuery({ ...evaluationQuery(place.entity, place.project, asked), retry: false });
  const shown = found.data?.sets.set;
  const problem = found.data?.problems[0]?.replace(/^Line 1: the run set '.*?': /, "") || shown?.problem;
  if (problem) return <p className="bad">{problem}</p>;
  if (!shown) return <p className="muted">…</p>;
  return (
    <p className="muted">
      {formatCount(shown.members.length)} {shown.members.length === 1 ? "run" : "runs"}
      {shown.groups &&
        ` in ${shown.groups.length} groups: ${shown.groups
          .slice(0, 6)
          .map(({ label }) => label)
          .join(", ")}`}
      {shown.unknown.length > 0 && <span className="warn"> · not there: {shown.unknown.join(", ")}</span>}
    </p>
  );
}
