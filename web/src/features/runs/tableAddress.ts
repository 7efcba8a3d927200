import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { getView, openView, useViewStore } from "@/state/view";
import { decodeView, encodeView, type Params } from "@/state/viewUrl";
import { decodeTable, encodeTable, type TableState, useTable } from "./tableState";

/** Browsers refuse more than about three changes of the address a second. */
const MIRROR_MS = 300;
const OWN = ["mode", "cols", "by", "base", "goals", "pivot"];

/** The table of each project as it was left, for those who come back without it in the address. */
const left = new Map<string, TableState>();

/** Keeps the address equal to view and table: it opens both, and changes of either are written back. */
export function useTableAddress(project: string): void {
  const search = useRouterState({ select: (state) => state.location.search as Params });
  const navigate = useNavigate();
  const written = useRef<string | null>(null);

  const address = JSON.stringify(search);
  if (written.current === null) {
    // Before the first render of the page below, so that nothing is fetched for the defaults first.
    written.current = address;
    open(search, project);
  }

  // Back, forward, or a pasted link.
  useEffect(() => {
    if (address === written.current) return;
    written.current = address;
    open(JSON.parse(address) as Params, project);
  }, [address, project]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const mirror = () => {
      timer = null;
      const params = { ...encodeView(getView()), ...encodeTable(useTable.getState()) };
      const next = JSON.stringify(params);
      if (next === written.current) return;
      written.current = next;
      void navigate({ to: ".", search: params, replace: true, resetScroll: false });
    };
    const later = () => {
      if (timer !== null) clearTimeout(timer);
      timer = setTimeout(mirror, MIRROR_MS);
    };
    const unsubscribe = [useViewStore.subscribe(later), useTable.subscribe(later)];
    // What was left here and is not in the address.
    later();
    return () => {
      for (const stop of unsubscribe) stop();
      if (timer !== null) clearTimeout(timer);
      left.set(project, useTable.getState());
    };
  }, [navigate, project]);
}

function open(params: Params, project: string): void {
  openView(decodeView(params));
  const named = OWN.some((name) => params[name] !== undefined);
  const kept = left.get(project);
  useTable.setState(named || !kept ? decodeTable(params) : kept, true);
}
