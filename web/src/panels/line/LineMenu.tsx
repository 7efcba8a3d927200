import { Copy, Download, Maximize2, Minimize2, MoreHorizontal, Table2, ZoomOut } from "lucide-react";
import { useState } from "react";
import type { Series } from "@/api/frames";
import type { KeyInfo } from "@/api/types";
import { isSmoothable } from "@/charts/core/ema";
import type { Line } from "@/charts/core/model";
import { changePanel, zoomTo } from "@/state/view";
import { IconButton } from "@/ui/IconButton";
import { Menu, MenuCheck, MenuItem, MenuSeparator } from "@/ui/Menu";
import { saveText } from "@/ui/saveText";
import { csvOf, PanelTable } from "./PanelTable";
import type { LineSettings } from "./settings";

interface LineMenuProps {
  info: KeyInfo;
  settings: LineSettings;
  lines: readonly Line[];
  series: ReadonlyMap<string, Series>;
  fullScreen: boolean;
  onOpen(): void;
}

export function LineMenu({ info, settings, lines, series, fullScreen, onOpen }: LineMenuProps) {
  const [table, setTable] = useState(false);
  const { key } = info;
  const link = () => {
    const url = new URL(location.href);
    url.searchParams.set("panel", key);
    return url.href;
  };
  return (
    <>
      <IconButton
        label={fullScreen ? "Close full screen" : "Full screen"}
        hint={fullScreen ? "Esc" : "Enter"}
        onClick={onOpen}
      >
        {fullScreen ? <Minimize2 size={14} /> : <Maximize2 size={13} />}
      </IconButton>
      <Menu
        trigger={
          <button type="button" className="icon-button" aria-label={`Options of ${key}`}>
            <MoreHorizontal size={15} />
          </button>
        }
      >
        <MenuCheck checked={settings.yLog} onChange={(yLog) => changePanel(key, { yLog })}>
          Log y axis
        </MenuCheck>
        {settings.axis !== "wall" && (
          <MenuCheck checked={settings.xLog} onChange={(xLog) => changePanel(key, { xLog })}>
            Log x axis
          </MenuCheck>
        )}
        <MenuCheck checked={settings.fit} onChange={(fit) => changePanel(key, { fit: fit || undefined })}>
          Fit diverged lines
        </MenuCheck>
        {isSmoothable(key) && info.kind !== "system" && (
          <MenuCheck
            checked={settings.smoothing === 0}
            onChange={(raw) => changePanel(key, { smoothing: raw ? 0 : undefined })}
          >
            No smoothing here
          </MenuCheck>
        )}
        <MenuSeparator />
        {settings.range && (
          <MenuItem
            icon={<ZoomOut size={14} />}
            hint="double click"
            onSelect={() => zoomTo(settings.axis, null)}
          >
            Reset zoom
          </MenuItem>
        )}
        <MenuItem icon={<Table2 size={14} />} onSelect={() => setTable(true)}>
          View as table
        </MenuItem>
        <MenuItem
          icon={<Download size={14} />}
          onSelect={() =>
            saveText(`${key.replaceAll("/", "_")}.csv`, "text/csv", csvOf(lines, settings.axis))
          }
        >
          Download drawn points (CSV)
        </MenuItem>
        <MenuItem icon={<Copy size={14} />} onSelect={() => void navigator.clipboard?.writeText(link())}>
          Copy link to this panel
        </MenuItem>
      </Menu>
      <PanelTable
        open={table}
        onClose={() => setTable(false)}
        title={key}
        axis={settings.axis}
        unit={info.unit}
        lines={lines}
        series={series}
      />
    </>
  );
}
