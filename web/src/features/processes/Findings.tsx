import { CircleSlash, type LucideIcon, Snail, Timer, TrendingUp, VolumeX } from "lucide-react";
import { useState } from "react";
import type { Finding } from "@/api/processes";
import { setHover } from "@/state/hover";
import { formatCount } from "@/ui/humanize";

const ICONS: Record<Finding["kind"], LucideIcon> = {
  straggler: Snail,
  outlier: TrendingUp,
  silent: VolumeX,
  dead: CircleSlash,
  behind: Timer,
};

/** So many are read; who wants more asks for them. */
const SHOWN = 4;

/** What stands out among the processes, most telling first. Pointing at one highlights its process everywhere. */
export function Findings({ findings }: { findings: readonly Finding[] }) {
  const [all, setAll] = useState(false);
  if (findings.length === 0) return null;
  const shown = all ? findings : findings.slice(0, SHOWN);
  return (
    <section className="findings" aria-label="What stands out">
      <ul>
        {shown.map((finding) => {
          const Icon = ICONS[finding.kind];
          return (
            <li
              key={`${finding.process} ${finding.kind} ${finding.key}`}
              className={`finding ${finding.kind === "dead" ? "bad" : "warn"}`}
              onPointerEnter={() => setHover({ id: finding.process, cursor: null })}
              onPointerLeave={() => setHover({ id: null, cursor: null })}
            >
              <Icon size={15} aria-hidden="true" />
              <span>{sentence(finding.text)}</span>
            </li>
          );
        })}
      </ul>
      {findings.length > shown.length && (
        <button type="button" className="link" onClick={() => setAll(true)}>
          {formatCount(findings.length - shown.length)} more
        </button>
      )}
    </section>
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
