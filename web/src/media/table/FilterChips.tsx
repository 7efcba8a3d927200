import { ListFilter, X } from "lucide-react";
import { Popover } from "radix-ui";
import { type FormEvent, useState } from "react";
import type { FilterOp, TableColumn, TableFilter } from "@/api/tables";
import { Choice } from "@/ui/Choice";
import { isMedia, isNumeric, vectorSize } from "./cells";

const OPS: readonly (readonly [FilterOp, string])[] = [
  ["=", "="],
  ["!=", "≠"],
  ["<", "<"],
  ["<=", "≤"],
  [">", ">"],
  [">=", "≥"],
  ["contains", "contains"],
  ["missing", "is missing"],
  ["present", "is present"],
];

interface FilterChipsProps {
  columns: readonly TableColumn[];
  filters: readonly TableFilter[];
  onChange(filters: readonly TableFilter[]): void;
}

/** The filters that hold, and a form for one more. */
export function FilterChips({ columns, filters, onChange }: FilterChipsProps) {
  return (
    <div className="chips">
      {filters.map((filter, i) => (
        <button
          type="button"
          // Filters have no identity but their place.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          key={i}
          className="chip on"
          aria-label={`Remove filter ${describe(filter)}`}
          onClick={() => onChange(filters.filter((_, other) => other !== i))}
        >
          <span className="chip-text">{describe(filter)}</span>
          <X size={12} />
        </button>
      ))}
      <FilterForm columns={columns} onAdd={(filter) => onChange([...filters, filter])} />
    </div>
  );
}

function describe({ column, op, value }: TableFilter): string {
  const sign = OPS.find(([candidate]) => candidate === op)?.[1] ?? op;
  return value === undefined ? `${column} ${sign}` : `${column} ${sign} ${String(value)}`;
}

function FilterForm({
  columns,
  onAdd,
}: {
  columns: readonly TableColumn[];
  onAdd(filter: TableFilter): void;
}) {
  const usable = columns.filter(({ type }) => !isMedia(type) && vectorSize(type) === null);
  const [open, setOpen] = useState(false);
  const [column, setColumn] = useState("");
  const [op, setOp] = useState<FilterOp>("=");
  const [text, setText] = useState("");
  const chosen = usable.find(({ name }) => name === column) ?? usable[0];
  const bare = op === "missing" || op === "present";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!chosen || (!bare && text === "")) return;
    onAdd({ column: chosen.name, op, ...(bare ? {} : { value: meant(text, chosen.type) }) });
    setText("");
    setOpen(false);
  };
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>
        <button type="button" className="chip" disabled={!chosen}>
          <ListFilter size={12} />
          Filter
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="popover filter-form"
          align="start"
          sideOffset={6}
          collisionPadding={8}
          aria-label="New filter"
        >
          <form onSubmit={submit}>
            <Choice
              label="Column"
              value={chosen?.name ?? ""}
              options={usable.map(({ name }) => [name, name] as const)}
              onChange={setColumn}
            />
            <Choice label="Condition" value={op} options={OPS} onChange={setOp} />
            {!bare && (
              <input
                className="text-input"
                aria-label="Value"
                placeholder="Value"
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
            )}
            <button type="submit" className="button primary">
              Add
            </button>
          </form>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** What was typed as what the column holds; the server says what is wrong with the rest. */
function meant(text: string, type: string): string | number | boolean {
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  const number = Number(text);
  return isNumeric(type) && text.trim() !== "" && Number.isFinite(number) ? number : text;
}
