import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
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
export function useViewList(entity: string, project: string): { list: ViewList; pending: boolean } {
  const found = useQuery({
    queryKey: viewKeys.list(entity, project),
    queryFn: ({ signal }) => fetchViews(entity, project, signal),
    retry: false,
  });
  return { list: found.data ?? NO_VIEWS, pending: found.isPending };
}

/** The saved view that an address names: still coming, here, or not to be had. */
export function useNamedView(params: Params): { pending: boolean } {
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
