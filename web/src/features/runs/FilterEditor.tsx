import { useQuery } from "@tanstack/react-query";
import { FolderPlus, ListTree, Plus, X } from "lucide-react";
import { Popover } from "radix-ui";
import { useState } from "react";
import { type Column, columnId, columnName } from "@/api/columns";
import type { ApiError } from "@/api/error";
import {
  columnOfField,
  type FilterField as Field,
  filterField,
  parseFilter,
  writeFilter,
} from "@/api/filterTree";
import { changeView, useView } from "@/state/view";
import { Choice } from "@/ui/Choice";
import { ErrorNote } from "@/ui/ErrorNote";
import { IconButton } from "@/ui/IconButton";
import { Picker } from "@/ui/Picker";
import { Segmented } from "@/ui/Segmented";
import { useDebounced } from "@/ui/useDebounced";
import { FilterField } from "../workspace/sidebar/FilterField";
import type { CatalogEntry } from "./catalog";
import {
  EMPTY_GROUP,
  type FilterGroup,
  type FilterRow,
  groupOf,
  needsValue,
  opsFor,
  treeOf,
} from "./filterRows";

interface FilterEditorProps {
  catalog: readonly CatalogEntry[];
  error: ApiError | null;
}

/** The filter as text, and beside it as a form; both say the same. */
export function FilterEditor({ catalog, error }: FilterEditorProps) {
  const text = useView((view) => view.filter);
  return (
    <div className="runs-filter">
      <FilterField error={error} />
      <Popover.Root>
        <Popover.Trigger asChild>
          <button type="button" className="button" aria-label="Build the filter" title="Build the filter">
            <ListTree size={14} />
          </button>
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Content
            className="popover filter-builder"
            align="start"
            sideOffset={6}
            collisionPadding={8}
            aria-label="Filter"
          >
            <Builder text={text} catalog={catalog} />
          </Popover.Content>
        </Popover.Portal>
      </Popover.Root>
    </div>
  );
}

const TYPING_MS = 250;

/** Reads the text when it opens; from then on the form leads and the text follows. */
function Builder({ text, catalog }: { text: string; catalog: readonly CatalogEntry[] }) {
  const [opened] = useState(text);
  const [form, setForm] = useState<FilterGroup | null>(null);
  const read = useQuery({
    queryKey: ["filter", opened],
    queryFn: ({ signal }) => (opened.trim() ? parseFilter(opened, signal) : Promise.resolve(null)),
    retry: false,
  });
  const shown = form ?? (read.isSuccess ? groupOf(read.data) : null);
  const tree = form && treeOf(form);
  const settled = useDebounced(form === null ? null : JSON.stringify(tree), TYPING_MS);
  const written = useQuery({
    queryKey: ["filter-text", settled],
    queryFn: async ({ signal }) => {
      const node = settled === null ? null : JSON.parse(settled);
      const next = node === null ? "" : await writeFilter(node, signal);
      changeView({ filter: next });
      return next;
    },
    enabled: settled !== null,
    gcTime: 0,
    staleTime: 0,
    retry: false,
  });
  if (read.error) {
    return (
      <div className="filter-broken">
        <ErrorNote error={read.error} />
        <button type="button" className="button" onClick={() => setForm(EMPTY_GROUP)}>
          Begin anew
        </button>
      </div>
    );
  }
  if (!shown) return <p className="list-empty">Loading…</p>;
  return (
    <>
      <GroupForm group={shown} catalog={catalog} onChange={setForm} />
      <output className={`filter-text ${written.error ? "bad" : ""}`} aria-live="polite">
        {written.error ? written.error.message : (written.data ?? opened) || "All runs"}
      </output>
    </>
  );
}

interface GroupFormProps {
  group: FilterGroup;
  catalog: readonly CatalogEntry[];
  onChange(group: FilterGroup): void;
  onRemove?: () => void;
}

const STATE: Field = { space: "column", name: "state", agg: "" };

function GroupForm({ group, catalog, onChange, onRemove }: GroupFormProps) {
  const { items, join, not } = group;
  const set = (index: number, item: FilterRow | FilterGroup) =>
    onChange({ ...group, items: items.map((other, i) => (i === index ? item : other)) });
  const remove = (index: number) => onChange({ ...group, items: items.filter((_, i) => i !== index) });
  const add = (item: FilterRow | FilterGroup) => onChange({ ...group, items: [...items, item] });
  const fresh: FilterRow = { kind: "row", field: STATE, op: "=", text: "" };
  return (
    <fieldset className="filter-group">
      <legend className="visually-hidden">Conditions</legend>
      <div className="filter-head">
        <Choice
          label="Whether it must hold"
          value={not ? "not" : "is"}
          options={[
            ["is", "Runs where"],
            ["not", "Runs where not"],
          ]}
          onChange={(next) => onChange({ ...group, not: next === "not" })}
        />
        <Segmented
          label="How conditions are joined"
          value={join}
          options={[
            ["and", "all hold"],
            ["or", "any holds"],
          ]}
          onChange={(next) => onChange({ ...group, join: next })}
        />
        <span className="grow" />
        {onRemove && (
          <IconButton label="Remove these conditions" onClick={onRemove}>
            <X size={13} />
          </IconButton>
        )}
      </div>
      {items.map((item, index) =>
        item.kind === "group" ? (
          <GroupForm
            // Conditions have no identity but their place.
            // biome-ignore lint/suspicious/noArrayIndexKey: see above
            key={index}
            group={item}
            catalog={catalog}
            onChange={(next) => set(index, next)}
            onRemove={() => remove(index)}
          />
        ) : (
          <RowForm
            // biome-ignore lint/suspicious/noArrayIndexKey: as above
            key={index}
            row={item}
            catalog={catalog}
            onChange={(next) => set(index, next)}
            onRemove={() => remove(index)}
          />
        ),
      )}
      <div className="filter-add">
        <button type="button" className="chip" onClick={() => add(fresh)}>
          <Plus size={12} />
          Condition
        </button>
        <button
          type="button"
          className="chip"
          onClick={() => add({ ...EMPTY_GROUP, join: "or", items: [fresh] })}
        >
          <FolderPlus size={12} />
          Group
        </button>
      </div>
    </fieldset>
  );
}

interface RowFormProps {
  row: FilterRow;
  catalog: readonly CatalogEntry[];
  onChange(row: FilterRow): void;
  onRemove(): void;
}

function RowForm({ row, catalog, onChange, onRemove }: RowFormProps) {
  const column = columnOfField(row.field);
  const fields = new Map<string, Column>();
  for (const entry of catalog) {
    if (!entry.spark && filterField(entry.column)) fields.set(columnId(entry.column), entry.column);
  }
  fields.set(columnId(column), column);
  const ops = opsFor(row.field);
  const pick = (id: string) => {
    const field = filterField(fields.get(id) ?? column);
    if (!field) return;
    const op = opsFor(field).some(([candidate]) => candidate === row.op)
      ? row.op
      : (opsFor(field)[0]?.[0] ?? "=");
    onChange({ ...row, field, op });
  };
  return (
    <div className="filter-row">
      <Picker
        label="Field"
        options={[...fields].map(([value, one]) => ({
          value,
          label: columnName(one).name,
          note: columnName(one).note || "run",
        }))}
        selected={[columnId(column)]}
        onPick={pick}
        trigger={
          <button type="button" className="button" title={columnName(column).note}>
            <span className="button-text">{columnName(column).name}</span>
            {row.field.space === "metric" && <small>{row.field.agg}</small>}
          </button>
        }
      />
      <Choice label="Condition" value={row.op} options={ops} onChange={(op) => onChange({ ...row, op })} />
      {needsValue(row.op) && (
        <input
          className="text-input"
          aria-label="Value"
          placeholder={row.op === "in" || row.op === "not in" ? "a, b, c" : "value"}
          value={row.text}
          spellCheck={false}
          autoCapitalize="off"
          onChange={(event) => onChange({ ...row, text: event.target.value })}
        />
      )}
      <IconButton label="Remove this condition" onClick={onRemove}>
        <X size={13} />
      </IconButton>
    </div>
  );
}
