import { AlertTriangle, ShieldCheck } from "lucide-react";
import type { RunDetail } from "@/api/types";
import { LackList } from "@/ui/LackList";

/** Says whether everything that was logged is here, how safe it is, and names what is missing. */
export function Guarantee({ run }: { run: RunDetail }) {
  const { guarantee, lacks } = run;
  const whole = lacks.length === 0;
  const steps = [
    ["saved", "survives a kill of the training", guarantee.saved],
    ["fsynced", "survives a power cut", guarantee.fsynced],
    ["uploaded", "all of it is on this server", guarantee.uploaded],
  ] as const;
  return (
    <section className={`block guarantee ${whole ? "" : "warn-block"}`} aria-label="Completeness">
      {whole ? <ShieldCheck size={16} /> : <AlertTriangle size={16} />}
      <div>
        <p>
          {whole ? "Nothing is missing." : <b>Some of this run is missing. What can be read is shown.</b>}
          {steps
            .filter(([, , reached]) => reached)
            .map(([name, meaning]) => (
              <span key={name} className="chip on" title={meaning}>
                {name}
              </span>
            ))}
        </p>
        {!whole && <LackList lacks={lacks} />}
      </div>
    </section>
  );
}
