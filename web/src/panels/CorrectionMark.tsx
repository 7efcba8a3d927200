import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { PencilRuler } from "lucide-react";
import { type Correction, correctionsQuery } from "@/api/corrections";
import { getAccess } from "@/api/session";
import type { KeyInfo } from "@/api/types";
import { formatDay } from "@/ui/humanize";
import { useSelection } from "./cast";

/** Says that what a panel shows is not what was logged, and by whose hand. */
export function CorrectionMark({ metrics }: { metrics: readonly KeyInfo[] }) {
  const corrected = metrics.filter(({ corrections }) => corrections && corrections.length > 0);
  return corrected.length > 0 ? <Mark corrected={corrected} /> : null;
}

function Mark({ corrected }: { corrected: readonly KeyInfo[] }) {
  const { entity, project } = useSelection().query;
  const list = useQuery({ ...correctionsQuery(entity, project), enabled: entity !== "", staleTime: 30_000 });
  const known = new Map(list.data?.corrections.map((one) => [one.id, one]));
  const text = corrected
    .flatMap(({ key, corrections }) =>
      (corrections ?? []).map(
        (id) => `${key}: ${known.has(id) ? saying(known.get(id) as Correction) : "corrected"}`,
      ),
    )
    .join("\n");
  const mark = (
    <>
      <PencilRuler size={11} aria-hidden="true" />
      <span className="visually-hidden">Corrected. {text}</span>
    </>
  );
  if (!entity || getAccess().kind === "share") {
    return (
      <span className="badge corrected" title={text}>
        {mark}
      </span>
    );
  }
  return (
    <Link
      className="badge corrected"
      title={text}
      to="/$entity/$project/corrections"
      params={{ entity, project }}
      search={{}}
    >
      {mark}
    </Link>
  );
}

/** A correction in one line, e.g. "×100, by ada, 26 Nov". */
export function saying({ text, changed_by, changed_at }: Correction): string {
  return `${text}, by ${changed_by}, ${formatDay(changed_at * 1000)}`;
}
