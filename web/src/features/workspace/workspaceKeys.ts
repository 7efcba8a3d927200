import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { RunRow } from "@/api/types";
import { getHover, setHover } from "@/state/hover";
import { redo, undo, zoomBack } from "@/state/view";
import { bindKeys } from "@/ui/shortcuts";
import { toggleBaseline, togglePin, toggleRuns } from "./sidebar/visibility";

interface WorkspaceKeys {
  rows: readonly RunRow[];
  toggleSidebar(): void;
}

/** The keyboard of the workspace. Runs are walked with j and k; x, p and g r act on the one that is lit. */
export function useWorkspaceKeys(props: WorkspaceKeys): void {
  const latest = useRef(props);
  latest.current = props;
  const navigate = useNavigate();
  useEffect(() => {
    const lit = () => latest.current.rows.find((row) => row.run_key === getHover().id);
    const walk = (by: number) => {
      const { rows } = latest.current;
      if (rows.length === 0) return;
      const at = rows.findIndex((row) => row.run_key === getHover().id);
      const next =
        rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
      if (!next) return;
      setHover({ id: next.run_key, cursor: null });
      document
        .querySelector(`[data-run="${CSS.escape(next.run_key)}"]`)
        ?.scrollIntoView({ block: "nearest" });
    };
    return bindKeys({
      "/": () => focusField("panel-search"),
      f: () => focusField("run-filter"),
      "[": () => latest.current.toggleSidebar(),
      j: () => walk(1),
      k: () => walk(-1),
      x: () => {
        const row = lit();
        if (row) toggleRuns([row.number]);
      },
      p: () => {
        const row = lit();
        if (row) togglePin(row.number);
      },
      b: () => {
        const row = lit();
        if (row) toggleBaseline(row.number);
      },
      "Ctrl Z": undo,
      "Ctrl Shift Z": redo,
      "Ctrl Y": redo,
      Backspace: zoomBack,
      "g r": () => {
        const row = lit() ?? latest.current.rows[0];
        if (!row) return;
        const { entity, project, run_id } = row;
        void navigate({
          to: "/$entity/$project/runs/$run_id/$tab",
          params: { entity, project, run_id, tab: "overview" },
        });
      },
    });
  }, [navigate]);
}

function focusField(id: string): void {
  const field = document.getElementById(id);
  if (field instanceof HTMLInputElement) {
    field.focus();
    field.select();
  }
}
