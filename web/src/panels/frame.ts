import { createContext, type ReactNode, useContext } from "react";
import type { KeyInfo } from "@/api/types";
import type { Drawing } from "@/figures/drawing";
import type { Figure, Paper } from "@/figures/figure";

/** What a panel can be saved as. Everything is made when it is asked for. */
export interface PanelExports {
  /** Name of the file without its ending; absent = the panel's name. */
  fileName?: string;
  /** The picture in numbers; also what "View as table" shows. */
  table?(): PanelTable;
  /** Exactly what is drawn; absent = the table. */
  csv?(): string;
  /** Every point behind the picture. */
  csvAll?(): Promise<string>;
  svg?(): string;
  /** The picture for a paper, in vectors of other kinds. */
  figure?(): Figure;
  /** The same where the picture is no line chart: drawn for the size of the paper. */
  drawing?(paper: Paper): Drawing;
  /** Absent = the SVG, rasterised. */
  png?(): Promise<Blob>;
}

export interface PanelTable {
  columns: readonly string[];
  rows: readonly (readonly (string | number | null)[])[];
}

/** What the place of a panel does for it. */
export interface PanelPlace {
  id: string;
  /** The panel's title, or what its type calls it. */
  name: string;
  fullScreen: boolean;
  /** The metrics that it is about. */
  metrics: readonly KeyInfo[];
  /** Content of the settings popover; null = this panel has none. */
  settings: ReactNode;
  settingsOpen: boolean;
  onSettings(open: boolean): void;
  onOpen(): void;
  onClose(): void;
  /** What the page does with its panels; null where it does not. */
  onDuplicate: (() => void) | null;
  onRemove: (() => void) | null;
  /** Sections it can be moved to. */
  sections: readonly { id: string; name: string }[];
  onMove(sectionId: string): void;
  /** The address that opens this panel. */
  link(): string;
  /** Its name is no heading of the page: in a report, whose own headings come in order. */
  plain?: boolean;
  /** Items of the menu that the page adds to those of the panel. */
  items?: ReactNode;
  /** Goes into the header's left edge: what the panel is dragged by. */
  handle: ReactNode;
  /** Goes into the lower right corner: what it is resized by. */
  corner: ReactNode;
}

const NOTHING = () => undefined;

export const PlaceContext = createContext<PanelPlace>({
  id: "",
  name: "",
  fullScreen: false,
  metrics: [],
  settings: null,
  settingsOpen: false,
  onSettings: NOTHING,
  onOpen: NOTHING,
  onClose: NOTHING,
  onDuplicate: null,
  onRemove: null,
  sections: [],
  onMove: NOTHING,
  link: () => location.href,
  handle: null,
  corner: null,
});

export function usePlace(): PanelPlace {
  return useContext(PlaceContext);
}
