import { parseMoment, parseNumber, type RunDetail } from "@/api/types";
import { slotColor, slotDash } from "@/charts/core/palette";
import { ShareButton } from "@/features/share/ShareButton";
import { useTheme } from "@/state/theme";
import { formatBytes, formatCount, formatDuration, formatMoment } from "@/ui/humanize";
import { StateLabel } from "@/ui/StateMark";
import { Swatch } from "@/ui/Swatch";
import { flatten, livesApart } from "./flatten";
import { Guarantee } from "./Guarantee";
import { Name } from "./Name";
import { Notes } from "./Notes";
import { StopButton } from "./StopButton";
import { Tags } from "./Tags";
import { ValueTable } from "./ValueTable";

/** What a run was, how it ended, and whether all of it is here. */
export function Overview({ run }: { run: RunDetail }) {
  const theme = useTheme((store) => store.name);
  const created = parseMoment(run.created_at);
  const ended = parseMoment(run.ended_at);
  return (
    <main id="main" className="page overview">
      <div className="page-head">
        <Swatch color={slotColor(run.number, theme)} dash={slotDash(run.number)} />
        <Name run={run} />
        <StateLabel state={run.state} />
        <span className="grow" />
        <StopButton run={run} />
        <ShareButton entity={run.entity} project={run.project} runKey={run.run_key} />
      </div>
      <Tags run={run} />
      {run.end?.traceback && (
        <section className="block bad-block" aria-label="Traceback">
          <h2>{run.end.reason ?? "The run failed"}</h2>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
          <pre tabIndex={0}>{run.end.traceback}</pre>
        </section>
      )}
      {run.end && !run.end.traceback && run.end.reason && (
        <section className="block" aria-label="Reason">
          <h2>Ended: {run.end.reason}</h2>
        </section>
      )}
      <Guarantee run={run} />
      <div className="columns">
        <div>
          <section className="block" aria-label="Facts">
            <h2>Run</h2>
            <dl className="facts">
              <Fact name="Id" value={run.run_id} />
              <Fact name="Started" value={created === null ? null : formatMoment(created)} />
              <Fact name="Ended" value={ended === null ? null : formatMoment(ended)} />
              <Fact name="Runtime" value={formatDuration(run.runtime_s)} />
              <Fact name="Host" value={run.host} />
              <Fact name="Exit code" value={run.end?.exit_code} />
              <Fact name="Group" value={run.group} />
              <Fact name="Job type" value={run.job_type} />
              <Fact
                name="Permanent link"
                value={new URL(run.url.replace(/^\//, ""), document.baseURI).href}
              />
              {flatten(livesApart(run.meta))
                .filter(([key]) => !["name", "group", "job_type", "tags", "notes"].includes(key))
                .map(([key, value]) => (
                  <Fact key={key} name={key.replaceAll("_", " ")} value={value} mono />
                ))}
            </dl>
          </section>
          <section className="block" aria-label="Writers">
            <h2>Writers</h2>
            <dl className="facts">
              {run.writers.map((writer) => (
                <Fact
                  key={writer.label}
                  name={writer.label || "main"}
                  value={[
                    writer.state,
                    writer.host && `on ${writer.host}`,
                    writer.pid !== null && `pid ${writer.pid}`,
                    `${formatCount(writer.segments)} ${writer.segments === 1 ? "segment" : "segments"}`,
                    formatBytes(writer.bytes),
                  ]
                    .filter(Boolean)
                    .join(" · ")}
                />
              ))}
            </dl>
          </section>
        </div>
        <div>
          <Notes run={run} />
          <ValueTable title="Config" entries={flatten(run.config)} empty="This run has no config." />
          <ValueTable
            title="Summary"
            entries={flatten(run.summary).map(([key, value]) => {
              const number = typeof value === "string" ? parseNumber(value) : null;
              return [key, number ?? value] as const;
            })}
            empty="This run has no summary."
          />
        </div>
      </div>
    </main>
  );
}

function Fact({ name, value, mono = false }: { name: string; value: unknown; mono?: boolean }) {
  if (value === null || value === undefined || value === "") return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd className={mono ? "mono" : ""}>{Array.isArray(value) ? value.join(" ") : String(value)}</dd>
    </div>
  );
}
