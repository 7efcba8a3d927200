import { lazy, Suspense } from "react";
import { getAccess } from "@/api/session";
import type { RunDetail } from "@/api/types";

const Threads = lazy(() => import("@/comments/Threads").then((module) => ({ default: module.Threads })));

/** What people say of a run. Who has only a link to it sees none of it. */
export function RunComments({ run }: { run: RunDetail }) {
  if (getAccess().kind === "share") return null;
  const { entity, project, run_key } = run;
  return (
    <section className="block" aria-label="Comments">
      <h2>Comments</h2>
      <Suspense fallback={<p className="muted">…</p>}>
        <Threads entity={entity} project={project} target={{ kind: "run", id: run_key, part: "" }} />
      </Suspense>
    </section>
  );
}
