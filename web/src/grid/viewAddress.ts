import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { currentAddress, openAddress, useOrigin } from "@/state/savedView";
import { useViewStore } from "@/state/view";
import type { Params } from "@/state/viewUrl";

/** The address of each project's view as it was left, for those who come back to it from elsewhere. */
const left = new Map<string, Params>();

/** The parameters with which a project's view was left, by `entity/project`. */
export function leftAddress(project: string): Params {
  return left.get(project) ?? {};
}

/** Browsers refuse more than about three changes of the address a second. */
const MIRROR_MS = 300;

/**
 * Keeps view and address equal: the address opens the view, and changes of the view are written back.
 *
 * Opening a panel in full screen is a step in the history, so that Back closes it; all else replaces.
 * *open* opens the view of an address; without it there are no saved views to begin from. *project* is where the view
 * can be come back to; without it, it is forgotten.
 */
export function useViewAddress(open: (params: Params) => void = openAddress, project?: string): void {
  const search = useRouterState({ select: (state) => state.location.search as Params });
  // While another page is on its way, the address is that page's already.
  const path = useRouterState({ select: (state) => state.location.pathname });
  const home = useRef(path);
  const away = useRef(false);
  away.current = path !== home.current;
  const navigate = useNavigate();
  const written = useRef<string | null>(null);
  const opener = useRef(open);
  opener.current = open;

  const address = JSON.stringify(search);
  if (written.current === null) {
    // Before the first render of the page below, so that nothing is fetched for the default view first.
    written.current = address;
    open(search);
  }

  // Back, forward, or a pasted link.
  useEffect(() => {
    if (address === written.current || away.current) return;
    written.current = address;
    opener.current(JSON.parse(address) as Params);
  }, [address]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const keep = ({ panel: _, ...params }: Params) => {
      if (project !== undefined) left.set(project, params);
    };
    keep(currentAddress());
    const mirror = (push: boolean) => {
      timer = null;
      if (away.current) return;
      const params = currentAddress();
      const next = JSON.stringify(params);
      if (next === written.current) return;
      written.current = next;
      keep(params);
      void navigate({ to: ".", search: params, replace: !push, resetScroll: false });
    };
    const schedule = (push: boolean) => {
      if (timer !== null) clearTimeout(timer);
      if (push) mirror(true);
      else timer = setTimeout(() => mirror(false), MIRROR_MS);
    };
    const forgetView = useViewStore.subscribe((store, former) => {
      if (store.view === former.view) return;
      schedule(store.view.panel !== null && former.view.panel === null);
    });
    const forgetOrigin = useOrigin.subscribe(() => schedule(false));
    return () => {
      forgetView();
      forgetOrigin();
      if (timer !== null) {
        clearTimeout(timer);
        keep(currentAddress());
      }
    };
  }, [navigate, project]);
}
