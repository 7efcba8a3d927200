import { useEffect } from "react";
import { bindKeys } from "@/app/shortcuts";
import { zoomBack } from "@/state/view";

/** The keyboard of a run's charts. */
export function useRunKeys(): void {
  useEffect(
    () =>
      bindKeys({
        "/": () => document.getElementById("panel-search")?.focus(),
        Backspace: zoomBack,
      }),
    [],
  );
}
