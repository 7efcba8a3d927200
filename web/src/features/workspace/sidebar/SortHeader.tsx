import { ArrowDown, ArrowUp, ChevronDown } from "lucide-react";
import { useMemo } from "react";
import type { KeyInfo, ProjectDetail } from "@/api/types";
import { sortedKeys } from "@/state/arrangement";
import { AGGREGATES, type Aggregate, changeView, getView, type Sort, useView } from "@/state/view";
import { Picker } from "@/ui/Picker";

const FIELDS = [
  { value: "created_at", label: "created" },
  { value: "name", label: "name" },
  { value: "runtime", label: "runtime" },
  { value: "state", label: "state" },
];

interface SortHeaderProps {
  keys: readonly KeyInfo[];
  configKeys: ProjectDetail["config_keys"];
}

/** What a sort is called: "acc_top1 · max". The section is left out, the title has the whole key. */
export function sortLabel({ by, agg }: Sort): string {
  if (by.startsWith("metric:")) {
    const key = by.slice("metric:".length);
    return `${key.slice(key.lastIndexOf("/") + 1)} · ${agg}`;
  }
  if (by.startsWith("config.")) return by.slice("config.".length);
  return FIELDS.find((field) => field.value === by)?.label ?? by;
}

/** The head of the value column: what it shows is what the list is sorted by. */
export function SortHeader({ keys, configKeys }: SortHeaderProps) {
  const sort = useView((view) => view.sort);
  const isMetric = sort.by.startsWith("metric:");
  const options = useMemo(
    () => [
      ...FIELDS.map((field) => ({ ...field, note: "" })),
      ...sortedKeys(keys)
        .filter((info) => info.kind === "number" && !info.hidden)
        .map((info) => ({ value: `metric:${info.key}`, label: info.key, note: "metric" })),
      ...configKeys.map(({ key }) => ({ value: `config.${key}`, label: key, note: "config" })),
    ],
    [keys, configKeys],
  );
  const pick = (by: string) => {
    const info = keys.find(({ key }) => `metric:${key}` === by);
    changeView({ sort: info ? { by, ...bestOf(info) } : { by, agg: "last", desc: by === "created_at" } });
  };
  return (
    <>
      <span>Name</span>
      <span className="grow" />
      <Picker
        label="Sort runs by"
        align="end"
        options={options}
        selected={[sort.by]}
        onPick={pick}
        footer={
          isMetric && (
            <fieldset className="picker-aggregates" aria-label="Which value of the metric">
              {AGGREGATES.map((agg: Aggregate) => (
                <button
                  type="button"
                  key={agg}
                  aria-pressed={sort.agg === agg}
                  onClick={() => changeView({ sort: { ...getView().sort, agg } })}
                >
                  {agg}
                </button>
              ))}
            </fieldset>
          )
        }
        trigger={
          <button type="button" className="sort-by" title={`Sorted by ${sort.by.replace("metric:", "")}`}>
            <span>{sortLabel(sort)}</span>
            <ChevronDown size={12} />
          </button>
        }
      />
      <button
        type="button"
        className="sort-direction"
        aria-label={sort.desc ? "Sort ascending" : "Sort descending"}
        onClick={() => changeView({ sort: { ...sort, desc: !sort.desc } })}
      >
        {sort.desc ? <ArrowDown size={13} /> : <ArrowUp size={13} />}
      </button>
    </>
  );
}

/** The value one most likely sorts by: the best, if the metric says what is good. */
function bestOf(info: KeyInfo): { agg: Aggregate; desc: boolean } {
  if (info.goal === "maximize") return { agg: "max", desc: true };
  if (info.goal === "minimize") return { agg: "min", desc: false };
  return { agg: "last", desc: true };
}
