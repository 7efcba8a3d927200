import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { openView, useViewStore } from "@/state/view";
import { decodeView, encodeView, type Params } from "@/state/viewUrl";

/** Browsers refuse more than about three changes of the address a second. */
const MIRROR_MS = 300;

/**
 * Keeps view and address equal: the address opens the view, and changes of the view are written back.
 *
 * Opening a panel in full screen is a step in the history, so that Back closes it; all else replaces.
 */
export function useViewAddress(): void {
  const search = useRouterState({ select: (state) => state.location.search as Params });
  const navigate = useNavigate();
  const written = useRef<string | null>(null);

  const address = JSON.stringify(search);
  if (written.current === null) {
    // Before the first render of the page below, so that nothing is fetched for the default view first.
    written.current = address;
    openView(decodeView(search));
  }

  // Back, forward, or a pasted link.
  useEffect(() => {
    if (address === written.current) return;
    written.current = address;
    openView(decodeView(JSON.parse(address) as Params));
  }, [address]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const mirror = (push: boolean) => {
      timer = null;
      const params = encodeView(useViewStore.getState().view);
      const next = JSON.stringify(params);
      if (next === written.current) return;
      written.current = next;
      void navigate({ to: ".", search: params, replace: !push, resetScroll: false });
    };
    const unsubscribe = useViewStore.subscribe((store, former) => {
      if (store.view === former.view) return;
      const opened = store.view.panel !== null && former.view.panel === null;
      if (timer !== null) clearTimeout(timer);
      if (opened) mirror(true);
      else timer = setTimeout(() => mirror(false), MIRROR_MS);
    });
    return () => {
      unsubscribe();
      if (timer !== null) clearTimeout(timer);
    };
  }, [navigate]);
}
