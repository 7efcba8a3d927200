import { useMutation, useQueryClient } from "@tanstack/react-query";
import { editRun, queryKeys, runQuery } from "@/api/queries";
import type { RunDetail, RunEdit } from "@/api/types";

/** Changes a run. The page shows the change at once and takes it back if the server refuses. */
export function useRunEdit(run: RunDetail) {
  const queries = useQueryClient();
  const { queryKey } = runQuery(run.run_key);
  return useMutation({
    mutationFn: (edit: RunEdit) => editRun(run.run_key, edit),
    onMutate: async (edit) => {
      await queries.cancelQueries({ queryKey });
      const former = queries.getQueryData(queryKey);
      queries.setQueryData(queryKey, (shown) => (shown ? ({ ...shown, ...edit } as RunDetail) : shown));
      return { former };
    },
    onError: (_error, _edit, context) => queries.setQueryData(queryKey, context?.former),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey }),
        queries.invalidateQueries({ queryKey: queryKeys.runs(run.entity, run.project) }),
      ]),
  });
}
