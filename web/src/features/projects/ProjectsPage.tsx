import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { projectsQuery, sessionQuery } from "@/api/queries";
import { type ProjectRow, parseMoment, parseNumber } from "@/api/types";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatAge, formatCount } from "@/ui/humanize";
import { useTitle } from "@/ui/useTitle";
import { Sparkline } from "./Sparkline";

/** All projects, the latest active first. */
export function ProjectsPage() {
  useTitle("Projects");
  const projects = useQuery(projectsQuery);
  const session = useQuery(sessionQuery);
  const [text, setText] = useState("");
  if (projects.error) return <ErrorNote error={projects.error} />;
  const rows = (projects.data ?? [])
    .filter((row) => `${row.entity}/${row.project}`.toLowerCase().includes(text.toLowerCase()))
    .sort((a, b) => (parseMoment(b.last_activity_at) ?? 0) - (parseMoment(a.last_activity_at) ?? 0));
  return (
    <main id="main" className="page">
      <div className="page-head">
        <h1>Projects</h1>
        {session.data?.hostname && (
          <span className="muted" title="Where the data is">
            {session.data.hostname}:{session.data.data_dir}
          </span>
        )}
        <span className="grow" />
        {(projects.data?.length ?? 0) > 6 && (
          <div className="field">
            <input
              type="search"
              aria-label="Search projects"
              placeholder="Search projects"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          </div>
        )}
      </div>
      {projects.data?.length === 0 && (
        <div className="empty">
          <b>No runs yet</b>
          <span>A project appears here as soon as a run starts in it.</span>
          <pre>{`import treering as tr\n\nrun = tr.init(project="first")\nrun.log({"loss": 0.5})\nrun.finish()`}</pre>
          {session.data?.user && (
            <>
              <span>
                On the machine that trains, once: <code>treering login {serverAddress()}</code>
              </span>
              <Link className="button" to="/settings/$tab" params={{ tab: "keys" }}>
                Make an API key
              </Link>
            </>
          )}
        </div>
      )}
      <ul className="cards">
        {rows.map((row) => (
          <li key={`${row.entity}/${row.project}`}>
            <ProjectCard row={row} />
          </li>
        ))}
      </ul>
    </main>
  );
}

function serverAddress(): string {
  return new URL(".", document.baseURI).href.replace(/\/$/, "");
}

function ProjectCard({ row }: { row: ProjectRow }) {
  const active = parseMoment(row.last_activity_at);
  const values = row.spark?.values.map((value) => parseNumber(value) ?? Number.NaN) ?? [];
  return (
    <Link className="card" to="/$entity/$project" params={{ entity: row.entity, project: row.project }}>
      <span className="card-title">
        <span className="muted">{row.entity}/</span>
        <b>{row.project}</b>
        <span className="grow" />
        {row.running > 0 && (
          <span className="live-badge">
            <i />
            {row.running} running
          </span>
        )}
      </span>
      <Sparkline values={values} />
      <span className="card-facts">
        <span>
          {formatCount(row.runs)} {row.runs === 1 ? "run" : "runs"}
        </span>
        {row.failed > 0 && <span className="bad">{formatCount(row.failed)} failed</span>}
        <span className="grow" />
        {row.spark && (
          <span className="card-key" title={`Latest run: ${row.spark.key}`}>
            {row.spark.key}
          </span>
        )}
        {active !== null && <span>{formatAge(active, Date.now())}</span>}
      </span>
    </Link>
  );
}
