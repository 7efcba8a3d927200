import { useMemo } from "react";
import type { RunDetail } from "@/api/types";
import { Processes } from "./Processes";

/** The processes that wrote into one run. */
export default function ProcessesTab({ run }: { run: RunDetail }) {
  const where = useMemo(() => ({ run: run.run_key }), [run.run_key]);
  return <Processes where={where} name={run.name} />;
}
