import { useMemo } from "react";
import { useTitle } from "@/ui/useTitle";
import { Processes } from "./Processes";

interface GroupPageProps {
  entity: string;
  project: string;
  group: string;
}

/** The runs of a group as the processes of one job. */
export function GroupPage({ entity, project, group }: GroupPageProps) {
  useTitle(group);
  const where = useMemo(() => ({ entity, project, group }), [entity, project, group]);
  return <Processes where={where} name={group} />;
}
