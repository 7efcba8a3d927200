import { Group as GroupIcon, X } from "lucide-react";
import type { ProjectDetail } from "@/api/types";
import { changeView, getView, useView } from "@/state/view";
import { Picker } from "@/ui/Picker";
import { exceptKeys, groupName, keysLeftOut } from "../groups";

const FIELDS = ["folder", "group", "job_type", "parent", "state"];
/** Names that people give to what only repeats a run. */
const SEED_NAME = /(^|[._-])(random_?)?seed([._-]|$)/i;

/** Chips of the keys that group the runs, and a picker to add more. */
export function GroupPicker({ configKeys }: { configKeys: ProjectDetail["config_keys"] }) {
  const group = useView((view) => view.group);
  const individual = useView((view) => view.individual);
  // A key with one value makes one group, one with a value per run makes none worth its name; both come last.
  const useful = (distinct: number) => (distinct > 1 ? 0 : 1);
  const seeds = configKeys.map(({ key }) => key).filter((key) => SEED_NAME.test(key));
  const options = [
    ...seeds.map((key) => ({
      value: exceptKeys([key]),
      label: `Everything except ${key}`,
      note: "repetitions",
    })),
    ...[...configKeys]
      .sort((a, b) => useful(a.distinct) - useful(b.distinct) || a.key.localeCompare(b.key))
      .map(({ key, distinct }) => ({
        value: `config.${key}`,
        label: key,
        note: `${distinct} ${distinct === 1 ? "value" : "values"}`,
      })),
    ...FIELDS.map((field) => ({ value: field, label: field.replace("_", " "), note: "" })),
  ];
  const toggle = (value: string) => {
    const now = getView().group;
    if (now.includes(value)) changeView({ group: now.filter((by) => by !== value) });
    // All keys but one already are every grouping there is.
    else if (keysLeftOut(value) !== null) changeView({ group: [value] });
    else changeView({ group: [...now.filter((by) => keysLeftOut(by) === null), value] });
  };
  return (
    <div className="chips">
      <Picker
        label="Group runs by"
        options={options}
        selected={group}
        keepOpen
        onPick={toggle}
        trigger={
          <button type="button" className={`chip ${group.length > 0 ? "on" : ""}`}>
            <GroupIcon size={13} />
            {group.length > 0 ? "Grouped by" : "Group"}
          </button>
        }
      />
      {group.map((by) => (
        <button
          type="button"
          key={by}
          className="chip"
          aria-label={`Stop grouping by ${groupName(by)}`}
          title={groupName(by)}
          onClick={() => toggle(by)}
        >
          <span className="chip-text">{groupName(by)}</span>
          <X size={12} />
        </button>
      ))}
      {group.length > 0 && (
        <button
          type="button"
          className={`chip ${individual ? "on" : ""}`}
          aria-pressed={individual}
          title="Draw every run instead of each group's mean and standard deviation"
          onClick={() => changeView({ individual: !individual })}
        >
          individual
        </button>
      )}
    </div>
  );
}
