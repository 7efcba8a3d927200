import { Search } from "lucide-react";
import { useState } from "react";
import { formatExact } from "@/ui/humanize";

interface ValueTableProps {
  title: string;
  entries: readonly (readonly [string, unknown])[];
  empty: string;
}

/** Fewer rows than this are found by looking. */
const SEARCHABLE = 8;

/** Keys and values, searchable over both. */
export function ValueTable({ title, entries, empty }: ValueTableProps) {
  const [text, setText] = useState("");
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = entries
    .map(([key, value]) => ({ key, value: showExact(value) }))
    .filter(({ key, value }) => words.every((word) => `${key} ${value}`.toLowerCase().includes(word)));
  return (
    <section className="block" aria-label={title}>
      <h2>
        {title}
        <span className="count">{entries.length}</span>
        <span className="grow" />
        {entries.length >= SEARCHABLE && (
          <span className="field">
            <Search size={14} aria-hidden="true" />
            <input
              type="search"
              aria-label={`Search ${title.toLowerCase()}`}
              placeholder="Search"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          </span>
        )}
      </h2>
      {entries.length === 0 ? (
        <p className="muted">{empty}</p>
      ) : (
        <table className="value-table">
          <tbody>
            {rows.map(({ key, value }) => (
              <tr key={key}>
                <th scope="row">{key}</th>
                <td>{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rows.length === 0 && entries.length > 0 && <p className="muted">Nothing matches “{text}”.</p>}
    </section>
  );
}

function showExact(value: unknown): string {
  if (typeof value === "number") return formatExact(value);
  if (typeof value === "string") return value;
  return JSON.stringify(value) ?? "";
}
