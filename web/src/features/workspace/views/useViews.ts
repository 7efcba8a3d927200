import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import { useCallback, useEffect, useState } from "react";
import { ApiError } from "@/api/error";
import { fetchView, fetchViews, type SavedView, type ViewList } from "@/api/views";
import { AUTOMATIC_VIEW, openAddress, originOf } from "@/state/savedView";
import { type Params, SAVED_PARAM } from "@/state/viewUrl";

export const viewKeys = {
  list: (entity: string, project: string) => ["views", entity, project] as const,
  one: (id: string) => ["view", id] as const,
};

const NO_VIEWS: ViewList = { views: [], default: null };

/** The saved views of a project; none while they cannot be read. */
function useViewList(entity: string, project: string): { list: ViewList; pending: boolean } {
  const found = useQuery({
    queryKey: viewKeys.list(entity, project),
    queryFn: ({ signal }) => fetchViews(entity, project, signal),
    retry: false,
  });
  return { list: found.data ?? NO_VIEWS, pending: found.isPending };
}

/** The saved view that an address names: still coming, here, or not to be had. */
function useNamedView(params: Params): { pending: boolean } {
  const id = params[SAVED_PARAM];
  const named = id !== undefined && id !== "" && id !== AUTOMATIC_VIEW;
  const found = useQuery({
    queryKey: viewKeys.one(id ?? ""),
    queryFn: ({ signal }) => fetchView(id ?? "", signal),
    enabled: named,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return { pending: named && found.isPending };
}

/** The saved views of a project; *settled* once it is known which one the address opens, and from then on. */
export function useFirstView(entity: string, project: string): { list: ViewList; settled: boolean } {
  const params = useRouterState({ select: (state) => state.location.search as Params });
  const { list, pending } = useViewList(entity, project);
  const named = useNamedView(params);
  const [ready, setReady] = useState(false);
  const settled = ready || !(pending || named.pending);
  useEffect(() => {
    if (settled) setReady(true);
  }, [settled]);
  return { list, settled };
}

/** Opens the view of an address, with the saved view it begins from. */
export function useOpenAddress(list: ViewList): (params: Params) => void {
  const queries = useQueryClient();
  return useCallback(
    (params: Params) => {
      const id = params[SAVED_PARAM];
      if (!id) return openAddress(params, originOf(list.default, true));
      if (id === AUTOMATIC_VIEW) return openAddress(params, originOf(null, list.default === null));
      const open = (saved: SavedView) => openAddress(params, originOf(saved, saved.id === list.default?.id));
      const known = queries.getQueryData<SavedView>(viewKeys.one(id));
      if (known) return open(known);
      const missing = (cause: unknown) =>
        openAddress(params, {
          ...originOf(null, false),
          trouble:
            cause instanceof ApiError && cause.status !== 404
              ? `The view of this address cannot be read: ${cause.message}`
              : "The view of this address does not exist any more, or is not shared with you.",
        });
      const failed = queries.getQueryState(viewKeys.one(id))?.error;
      if (failed) return missing(failed);
      queries
        .fetchQuery({ queryKey: viewKeys.one(id), queryFn: ({ signal }) => fetchView(id, signal) })
        .then(open, missing);
    },
    [list.default, queries],
  );
}
