import { Link } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense } from "react";
import { getAccess } from "@/api/session";
import { parseMoment, type RunDetail } from "@/api/types";
import { slotColor, slotDash } from "@/charts/core/palette";
import { GroupLink } from "@/features/processes/GroupLink";
import { ShareButton } from "@/features/share/ShareButton";
import { useTheme } from "@/state/theme";
import { CopyButton } from "@/ui/CopyButton";
import { formatBytes, formatCount, formatDuration, formatMoment } from "@/ui/humanize";
import { StateLabel } from "@/ui/StateMark";
import { Swatch } from "@/ui/Swatch";
import { ChangedLink } from "../compare/ChangedLink";
import { Family } from "./Family";
import { type Fact, factsOf } from "./facts";
import { flatten } from "./flatten";
import { Guarantee } from "./Guarantee";
import { LockButton } from "./LockButton";
import { Name } from "./Name";
import { Notes } from "./Notes";
import { RunComments } from "./RunComments";
import { StopButton } from "./StopButton";
import { summaryEntries } from "./summary";
import { Tags } from "./Tags";
import { ValueTable } from "./ValueTable";

const RunAlerts = lazy(() => import("@/features/alerts/RunAlerts"));

/** What a run was, how it ended, and whether all of it is here. */
export function Overview({ run }: { run: RunDetail }) {
  const theme = useTheme((store) => store.name);
  const created = parseMoment(run.created_at);
  const ended = parseMoment(run.ended_at);
  const facts = factsOf(run);
  return (
    <main id="main" className="page overview">
      <div className="page-head">
        <Swatch color={slotColor(run.number, theme)} dash={slotDash(run.number)} />
        <Name run={run} />
        <StateLabel state={run.state} />
        <span className="grow" />
        <ChangedLink run={run} />
        <StopButton run={run} />
        <LockButton run={run} />
        <ShareButton entity={run.entity} project={run.project} runKey={run.run_key} />
      </div>
      <Tags run={run} />
      {run.end?.traceback && (
        <section className="block bad-block" aria-label="Traceback">
          <h2>
            {run.end.reason ?? "The run failed"}
            <span className="grow" />
            <CopyButton label="Copy the traceback" text={run.end.traceback} />
          </h2>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
          <pre tabIndex={0}>{run.end.traceback}</pre>
        </section>
      )}
      {run.end && !run.end.traceback && run.end.reason && (
        <section className="block" aria-label="Reason">
          <h2>Ended: {run.end.reason}</h2>
        </section>
      )}
      <Suspense>
        <RunAlerts run={run} />
      </Suspense>
      <Guarantee run={run} />
      <div className="columns">
        <div>
          <Block title="Run">
            <Line name="id" value={run.run_id} />
            <Line name="started" value={created === null ? null : formatMoment(created)} />
            <Line name="ended" value={ended === null ? null : formatMoment(ended)} />
            <Line name="runtime" value={formatDuration(run.runtime_s)} />
            <Line name="exit code" value={run.end?.exit_code} />
            {run.group && (
              <div>
                <dt>group</dt>
                <dd>
                  {getAccess().kind === "share" ? (
                    run.group
                  ) : (
                    <GroupLink entity={run.entity} project={run.project} group={run.group}>
                      {run.group}
                    </GroupLink>
                  )}
                </dd>
              </div>
            )}
            <Line name="job type" value={run.job_type} />
            <Line name="folder" value={run.folder} />
            <Family run={run} />
            <Lines facts={facts.start} />
            <Line name="arguments from" value={facts.argumentsFrom} />
            <Line
              name="permanent link"
              value={new URL(run.url.replace(/^\//, ""), document.baseURI).href}
              mono
              copy
            />
            <Lines facts={facts.rest} />
          </Block>
          {facts.git.length > 0 && (
            <Block title="Code" more={<TabLink run={run} tab="code" />}>
              {facts.git.map((fact) => (
                <Line key={fact.name} {...fact} copy={fact.name === "commit"} />
              ))}
            </Block>
          )}
          {facts.machine.length > 0 && (
            <Block title="Machine" more={<TabLink run={run} tab="system" />}>
              <Lines facts={facts.machine} />
              {facts.packages !== null && (
                <Line name="packages" value={`${formatCount(facts.packages)}, listed in the files`} />
              )}
            </Block>
          )}
          {facts.environment.length > 0 && (
            <Block title="Environment">
              <Lines facts={facts.environment} />
            </Block>
          )}
          {facts.inputs.length > 0 && (
            <Block title="Inputs">
              {facts.inputs.map(({ name, digest, about }) => (
                <div key={`${name}:${digest}`}>
                  <dt>{name}</dt>
                  <dd>
                    {about && <span>{about} </span>}
                    <code title={digest}>{digest}</code>
                  </dd>
                </div>
              ))}
            </Block>
          )}
          {facts.hidden.length > 0 && (
            <Block title="Hidden before it was stored">
              {facts.hidden.map(({ where, count }) => (
                <Line
                  key={where}
                  name={where}
                  value={`${formatCount(count)} ${count === 1 ? "secret" : "secrets"}`}
                />
              ))}
            </Block>
          )}
          <Block title="Writers">
            {run.writers.map((writer) => (
              <Line
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
          </Block>
        </div>
        <div>
          <Notes run={run} />
          <RunComments run={run} />
          <ValueTable title="Config" entries={flatten(run.config)} empty="This run has no config." />
          <ValueTable title="Summary" entries={summaryEntries(run)} empty="This run has no summary." />
        </div>
      </div>
    </main>
  );
}

function Block({ title, more, children }: { title: string; more?: ReactNode; children: ReactNode }) {
  return (
    <section className="block" aria-label={title}>
      <h2>
        {title}
        <span className="grow" />
        {more}
      </h2>
      <dl className="facts">{children}</dl>
    </section>
  );
}

function TabLink({ run, tab }: { run: RunDetail; tab: "code" | "system" }) {
  const text = tab === "code" ? "Changes and files" : "Sensors";
  const { entity, project, run_id, run_key } = run;
  return getAccess().kind === "share" ? (
    <Link to="/r/$run_key/$tab" params={{ run_key, tab }} className="block-link">
      {text}
    </Link>
  ) : (
    <Link
      to="/$entity/$project/runs/$run_id/$tab"
      params={{ entity, project, run_id, tab }}
      className="block-link"
    >
      {text}
    </Link>
  );
}

function Lines({ facts }: { facts: readonly Fact[] }) {
  return facts.map((fact) => <Line key={fact.name} {...fact} />);
}

interface LineProps {
  name: string;
  value: string | number | null | undefined;
  mono?: boolean;
  copy?: boolean;
}

function Line({ name, value, mono = false, copy = false }: LineProps) {
  if (value === null || value === undefined || value === "") return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd className={mono ? "mono" : ""}>
        {String(value)}
        {copy && <CopyButton label={`Copy ${name}`} text={String(value)} />}
      </dd>
    </div>
  );
}
