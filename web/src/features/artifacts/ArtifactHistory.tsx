import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type ArtifactName, eventsQuery } from "@/api/artifacts";
import { ErrorNote } from "@/ui/ErrorNote";
import { EventList } from "./EventList";

const SHOWN = 50;

/** Who did what to an artifact, the newest first. */
export function ArtifactHistory({ artifact }: { artifact: ArtifactName }) {
  const [limit, setLimit] = useState(SHOWN);
  const found = useQuery({ ...eventsQuery(artifact, limit), placeholderData: keepPreviousData });
  if (found.error) return <ErrorNote error={found.error} />;
  if (!found.data) return <section className="block" aria-busy="true" />;
  return (
    <EventList events={found.data.events} total={found.data.total} onMore={() => setLimit(limit + SHOWN)} />
  );
}
