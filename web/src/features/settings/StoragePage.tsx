import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { AlertTriangle, ShieldCheck } from "lucide-react";
import { holdingsQuery } from "@/api/holdings";
import type { Disk, Holding, NotWhole } from "@/api/types";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatAge, formatBytes, formatCount } from "@/ui/humanize";
import { LackList } from "@/ui/LackList";
import { StateMark } from "@/ui/StateMark";

/** What the server holds, and which runs are not whole. */
export function StoragePage() {
  const holdings = useQuery(holdingsQuery);
  if (holdings.error) return <ErrorNote error={holdings.error} />;
  if (!holdings.data) return null;
  const { runs, bytes, points, projects, users, not_whole, not_whole_total, disk } = holdings.data;
  return (
    <>
      <section className="figures" aria-label="Sums">
        <Figure value={formatCount(runs)} name={runs === 1 ? "run" : "runs"} />
        <Figure value={formatCount(points)} name="points" />
        <Figure value={formatBytes(bytes)} name="of run logs" />
        <Figure
          value={formatCount(not_whole_total)}
          name={not_whole_total === 1 ? "run is not whole" : "runs are not whole"}
          bad={not_whole_total > 0}
        />
      </section>
      {disk.map((room) => (
        <DiskBar key={room.folder} disk={room} />
      ))}
      <NotWholeRuns rows={not_whole} total={not_whole_total} />
      <Sums title="Projects" rows={projects} name={(row) => `${row.entity}/${row.project}`} linked />
      <Sums title="People" rows={users} name={(row) => row.user} />
    </>
  );
}

function Figure({ value, name, bad = false }: { value: string; name: string; bad?: boolean }) {
  return (
    <div className={`figure ${bad ? "warn" : ""}`}>
      <b>{value}</b>
      <span>{name}</span>
    </div>
  );
}

/** From here on people are told, in percent. */
const NEARLY_FULL = 90;

function DiskBar({ disk }: { disk: Disk }) {
  const used = disk.total > 0 ? (100 * (disk.total - disk.free)) / disk.total : 0;
  const full = disk.free < disk.reserve;
  const state = full ? "full" : used >= NEARLY_FULL ? "nearly-full" : "ok";
  return (
    <section className={`block ${state === "ok" ? "" : "warn-block"}`} aria-label="Disk">
      <h2>
        Disk <code>{disk.folder}</code>
        <span className="grow" />
        <span className="muted">
          {formatBytes(disk.free)} free of {formatBytes(disk.total)}
        </span>
      </h2>
      <progress
        className={`meter meter-${state}`}
        max={100}
        value={used}
        aria-label={`${Math.round(used)} % used`}
      />
      {full && (
        <p className="bad">
          Full: new records and edits are refused until there is room. Trainings keep what they log and send
          it then.
        </p>
      )}
    </section>
  );
}

function NotWholeRuns({ rows, total }: { rows: NotWhole[]; total: number }) {
  if (rows.length === 0) {
    return (
      <section className="block guarantee" aria-label="Completeness">
        <ShieldCheck size={16} />
        <p>Every run here is whole: no gap, no damage, nothing that its writer had and that never came.</p>
      </section>
    );
  }
  const now = Date.now();
  return (
    <section className="block warn-block" aria-label="Runs that are not whole">
      <h2>
        <AlertTriangle size={15} />
        Not whole <span className="count">{formatCount(total)}</span>
      </h2>
      <ul className="rows">
        {rows.map((row) => (
          <li key={row.run_key}>
            <span className="row-main">
              <Link className="row-link" to="/r/$run_key" params={{ run_key: row.run_key }}>
                <StateMark state={row.state} /> {row.name}
                <span className="muted">
                  {" "}
                  {row.entity}/{row.project} · {formatAge(row.last_activity_at * 1000, now)}
                </span>
              </Link>
              <LackList lacks={row.lacks} />
            </span>
          </li>
        ))}
      </ul>
      {total > rows.length && <p className="muted">These are the latest {formatCount(rows.length)}.</p>}
    </section>
  );
}

interface SumsProps {
  title: string;
  rows: Holding[];
  name(row: Holding): string;
  linked?: boolean;
}

function Sums({ title, rows, name, linked = false }: SumsProps) {
  if (rows.length === 0) return null;
  const now = Date.now();
  return (
    <section className="block" aria-label={title}>
      <h2>
        {title} <span className="count">{rows.length}</span>
      </h2>
      <div className="table-scroll">
        <table className="plain-table">
          <thead>
            <tr>
              <th>{linked ? "Project" : "Person"}</th>
              <th className="number">Runs</th>
              <th className="number">Running</th>
              <th className="number">Not whole</th>
              <th className="number">Points</th>
              <th className="number">Size</th>
              <th className="number">Over the network</th>
              <th className="number">Active</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={name(row)}>
                <td className="wide">
                  {linked ? (
                    <Link
                      className="row-link"
                      to="/$entity/$project"
                      params={{ entity: row.entity, project: row.project }}
                    >
                      {name(row)}
                    </Link>
                  ) : (
                    name(row)
                  )}
                </td>
                <td className="number">{formatCount(row.runs)}</td>
                <td className="number">{row.running > 0 ? formatCount(row.running) : "–"}</td>
                <td className={`number ${row.not_whole > 0 ? "bad" : ""}`}>
                  {row.not_whole > 0 ? formatCount(row.not_whole) : "–"}
                </td>
                <td className="number">{formatCount(row.points)}</td>
                <td className="number">{formatBytes(row.bytes)}</td>
                <td className="number">{row.received_bytes > 0 ? formatBytes(row.received_bytes) : "–"}</td>
                <td className="number">{formatAge(row.last_activity_at * 1000, now)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
