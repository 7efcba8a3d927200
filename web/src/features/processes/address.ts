import { useNavigate, useRouterState } from "@tanstack/react-router";
import type { ProcessAxis } from "@/api/processes";

export type ProcessShow = "charts" | "logs" | "attempts";
export type ChartForm = "band" | "each" | "heatmap";

/** What is shown of the processes of a job, as the address says it. */
export interface ProcessAddress {
  show: ProcessShow;
  form: ChartForm;
  x: ProcessAxis;
  search: string;
  /** Ids of the chosen processes; empty = all. */
  chosen: readonly string[];
}

type Params = Readonly<Record<string, string | undefined>>;

const SHOWS = ["charts", "logs", "attempts"] as const;
const FORMS = ["band", "each", "heatmap"] as const;
const AXES = ["step", "relative", "wall"] as const;
const PROCESS_ID = /^[a-z2-7]{26}(\/[\w./-]+)?$/;

export function decodeProcesses(params: Params): ProcessAddress {
  return {
    show: SHOWS.find((name) => name === params.show) ?? "charts",
    form: FORMS.find((name) => name === params.form) ?? "band",
    x: AXES.find((name) => name === params.x) ?? "step",
    search: params.q ?? "",
    chosen: (params.only ?? "").split(",").filter((id) => PROCESS_ID.test(id)),
  };
}

export function encodeProcesses(address: ProcessAddress): Record<string, string> {
  const params: Record<string, string> = {};
  if (address.show !== "charts") params.show = address.show;
  if (address.form !== "band") params.form = address.form;
  if (address.x !== "step") params.x = address.x;
  if (address.search) params.q = address.search;
  if (address.chosen.length > 0) params.only = address.chosen.join(",");
  return params;
}

/** The address, and how to change it. */
export function useProcessAddress(): [ProcessAddress, (change: Partial<ProcessAddress>) => void] {
  const search = useRouterState({ select: (state) => state.location.search as Params });
  const navigate = useNavigate();
  const address = decodeProcesses(search);
  const change = (next: Partial<ProcessAddress>) =>
    void navigate({
      to: ".",
      search: encodeProcesses({ ...address, ...next }),
      replace: true,
      resetScroll: false,
    });
  return [address, change];
}
