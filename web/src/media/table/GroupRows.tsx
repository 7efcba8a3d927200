import type { Cell, TableColumn, TableGroup } from "@/api/tables";
import { parseNumber } from "@/api/types";
import { formatCount, formatNumber } from "@/ui/humanize";
import { cellText } from "./cells";

interface GroupRowsProps {
  groups: readonly TableGroup[];
  by: readonly string[];
  columns: readonly TableColumn[];
  /** Shows the rows of a group. */
  onOpen(values: readonly Cell[]): void;
}

/** Groups with their counts and the means of the columns of numbers. */
export function GroupRows({ groups, by, columns, onOpen }: GroupRowsProps) {
  const means = columns.map(({ name }) => name).filter((name) => groups.some((group) => name in group.means));
  return (
    <table className="plain-table group-table">
      <thead>
        <tr>
          {by.map((name) => (
            <th scope="col" key={name}>
              {name}
            </th>
          ))}
          <th scope="col" className="number">
            rows
          </th>
          {means.map((name) => (
            <th scope="col" key={name} className="number">
              mean of {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {groups.map((group) => (
          <tr key={JSON.stringify(group.values)}>
            {group.values.map((value, i) => (
              <td key={by[i]}>
                {i === 0 ? (
                  <button
                    type="button"
                    className="link"
                    title="Show these rows"
                    onClick={() => onOpen(group.values)}
                  >
                    {value === null ? "missing" : cellText(value)}
                  </button>
                ) : value === null ? (
                  "missing"
                ) : (
                  cellText(value)
                )}
              </td>
            ))}
            <td className="number">{formatCount(group.count)}</td>
            {means.map((name) => {
              const mean = parseNumber(group.means[name]);
              return (
                <td key={name} className="number">
                  {mean === null ? "" : formatNumber(mean)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
