import type { Line } from "@/charts/core/model";
import { clearHover, setHover } from "@/state/hover";
import { Swatch } from "@/ui/Swatch";

/** Names of the lines; pointing at one highlights it everywhere. */
export function Legend({ lines }: { lines: readonly Line[] }) {
  return (
    <ul className="legend">
      {lines.map((line) => (
        <li
          key={line.id}
          onPointerEnter={() => setHover({ id: line.id, cursor: null })}
          onPointerLeave={clearHover}
          title={line.label}
        >
          <Swatch color={line.color} dash={line.dash} />
          <span>{line.label}</span>
        </li>
      ))}
    </ul>
  );
}
