import { useEffect } from "react";
import { zoomBack } from "@/state/view";
import { bindKeys } from "@/ui/shortcuts";

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
