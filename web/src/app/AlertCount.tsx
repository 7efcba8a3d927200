import { useQuery } from "@tanstack/react-query";
import { newAlertsQuery } from "@/api/alerts";

/** How many alerts of a project nobody has seen; nothing while there are none. */
export function AlertCount({ entity, project }: { entity: string; project: string }) {
  const { data = 0 } = useQuery(newAlertsQuery(entity, project));
  if (data === 0) return null;
  const text = data >= 100 ? "99+" : String(data);
  return (
    <span className="nav-count">
      {text}
      <span className="visually-hidden"> that nobody has seen</span>
    </span>
  );
}
