import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "@/api/error";
import {
  createView,
  deleteView,
  fetchView,
  fetchViews,
  putView,
  type SavedView,
  type ViewChange,
} from "@/api/views";
import { keepSaved, openSaved, originOf, useOrigin } from "@/state/savedView";
import { readSpec, writeSpec } from "@/state/spec";
import { getView, openView } from "@/state/view";
import { saveText } from "@/ui/saveText";
import { viewKeys } from "./useViews";

export interface ViewActions {
  busy: boolean;
  /** What went wrong last, for people. */
  trouble: string | null;
  /** Somebody else saved this view since it was opened. */
  conflict: boolean;
  dismiss(): void;
  save(): Promise<void>;
  saveAs(name: string, shared: boolean): Promise<void>;
  change(change: Omit<ViewChange, "version">): Promise<void>;
  remove(): Promise<void>;
  open(id: string | null): Promise<void>;
  /** Ends a conflict: with what the other one saved, or with one's own in its place. */
  takeTheirs(): Promise<void>;
  keepMine(): Promise<void>;
  exportFile(): void;
  importFile(file: File): Promise<void>;
}

/** All that can be done with saved views. */
export function useViewActions(entity: string, project: string, defaultId: string | null): ViewActions {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [conflict, setConflict] = useState(false);

  const saved = () => useOrigin.getState().saved;
  /** Asks which views there are now, and whether the open one is what the project opens with. */
  const refresh = async () => {
    const list = await queries.fetchQuery({
      queryKey: viewKeys.list(entity, project),
      queryFn: ({ signal }) => fetchViews(entity, project, signal),
      staleTime: 0,
    });
    const first = (saved()?.id ?? null) === (list.default?.id ?? null);
    if (first !== useOrigin.getState().first) useOrigin.setState({ first });
  };
  const keep = (view: SavedView) => {
    queries.setQueryData(viewKeys.one(view.id), view);
    keepSaved(view);
  };
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setTrouble(null);
    try {
      await work();
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 409 && saved()) setConflict(true);
      else setTrouble(cause instanceof Error ? cause.message : String(cause));
    } finally {
      setBusy(false);
      // Without the list the menu shows the former one; what was done is done.
      refresh().catch(() => undefined);
    }
  };
  const put = (change: Omit<ViewChange, "version">, version?: number) =>
    attempt(async () => {
      const current = saved();
      if (!current) return;
      keep(await putView(current.id, { ...change, version: version ?? current.version }));
      setConflict(false);
    });
  const newest = async () => {
    const current = saved();
    return current ? fetchView(current.id) : null;
  };

  return {
    busy,
    trouble,
    conflict,
    dismiss: () => {
      setConflict(false);
      setTrouble(null);
    },
    save: () => put({ spec: writeSpec(getView()) }),
    saveAs: (name, shared) =>
      attempt(async () => {
        keep(await createView(entity, project, { name, shared, spec: writeSpec(getView()) }));
        setConflict(false);
      }),
    change: (change) => put(change),
    remove: () =>
      attempt(async () => {
        const current = saved();
        if (!current) return;
        await deleteView(current.id);
        queries.removeQueries({ queryKey: viewKeys.one(current.id) });
        // What one looks at stays; it only is no longer saved.
        useOrigin.setState(originOf(null, defaultId === null || defaultId === current.id), true);
      }),
    open: (id) =>
      attempt(async () => {
        if (id === null) return openSaved(originOf(null, defaultId === null));
        const view = await fetchView(id);
        queries.setQueryData(viewKeys.one(id), view);
        openSaved(originOf(view, id === defaultId));
      }),
    takeTheirs: () =>
      attempt(async () => {
        const theirs = await newest();
        if (theirs) {
          queries.setQueryData(viewKeys.one(theirs.id), theirs);
          openSaved(originOf(theirs, theirs.id === defaultId));
        }
        setConflict(false);
      }),
    keepMine: async () => {
      const theirs = await newest().catch(() => null);
      await put({ spec: writeSpec(getView()) }, theirs?.version);
    },
    exportFile: () => {
      const name = saved()?.name ?? project;
      saveText(
        `${name.replaceAll(/[^\w.-]+/g, "_")}.view.json`,
        "application/json",
        `${JSON.stringify(writeSpec(getView()), null, 2)}\n`,
      );
    },
    importFile: (file) =>
      attempt(async () => {
        const view = readSpec(parseFile(await file.text(), file.name));
        useOrigin.setState(originOf(null, defaultId === null), true);
        openView(view);
      }),
  };
}

function parseFile(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${name} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
