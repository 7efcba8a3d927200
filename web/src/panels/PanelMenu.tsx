import { useNavigate } from "@tanstack/react-router";
import {
  Copy,
  CopyPlus,
  Download,
  FileText,
  FolderInput,
  Image,
  MoreHorizontal,
  PencilRuler,
  Spline,
  Table2,
  Trash2,
} from "lucide-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { standsAlone } from "@/api/held";
import { getAccess } from "@/api/session";
import { Menu, MenuItem, MenuSeparator, SubMenu } from "@/ui/Menu";
import { saveBlob, saveText } from "@/ui/saveText";
import { useSelection } from "./cast";
import { type PanelExports, usePlace } from "./frame";

const TableDialog = lazy(() => import("./TableDialog"));
const FigureDialog = lazy(() => import("@/figures/FigureDialog"));

interface PanelMenuProps {
  own: ReactNode;
  exports: PanelExports | undefined;
}

/** What can be done with any panel. */
export function PanelMenu({ own, exports = {} }: PanelMenuProps) {
  const place = usePlace();
  const [table, setTable] = useState(false);
  const [figure, setFigure] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const fileName = exports.fileName ?? place.name.replaceAll(/[^\w.-]+/g, "_");

  const { entity, project } = useSelection().query;
  const navigate = useNavigate();
  const [metric] = place.metrics;
  const correctable = entity && getAccess().kind !== "share" && !standsAlone() ? metric?.key : undefined;
  const correct = (key: string) =>
    void navigate({
      to: "/$entity/$project/corrections",
      params: { entity, project },
      search: { metric: key },
    });

  const attempt = (work: () => Promise<void> | void) => async () => {
    try {
      await work();
      setTrouble(null);
    } catch (cause) {
      setTrouble(cause instanceof Error ? cause.message : String(cause));
    }
  };
  const savePng = attempt(async () => {
    const { rasterize } = await import("./rasterize");
    saveBlob(`${fileName}.png`, exports.png ? await exports.png() : await rasterize(exports.svg?.() ?? ""));
  });
  const saveCsv = attempt(async () => {
    const { csvOfTable } = await import("./TableDialog");
    const text = exports.csv?.() ?? csvOfTable(exports.table?.() ?? { columns: [], rows: [] });
    saveText(`${fileName}.csv`, "text/csv", text);
  });
  const saveAll = attempt(async () => {
    if (exports.csvAll) saveText(`${fileName}.all.csv`, "text/csv", await exports.csvAll());
  });
  return (
    <>
      <Menu
        trigger={
          <button type="button" className="icon-button" aria-label={`Options of ${place.name}`}>
            <MoreHorizontal size={15} />
          </button>
        }
      >
        {own}
        {own && <MenuSeparator />}
        {place.items}
        {place.items && <MenuSeparator />}
        {place.onDuplicate && (
          <MenuItem icon={<CopyPlus size={14} />} onSelect={place.onDuplicate}>
            Duplicate
          </MenuItem>
        )}
        {place.sections.length > 0 && (
          <SubMenu icon={<FolderInput size={14} />} label="Move to section">
            {place.sections.map(({ id, name }) => (
              <MenuItem key={id} onSelect={() => place.onMove(id)}>
                {name}
              </MenuItem>
            ))}
          </SubMenu>
        )}
        {!standsAlone() && (
          <MenuItem
            icon={<Copy size={14} />}
            onSelect={() => void navigator.clipboard?.writeText(place.link())}
          >
            Copy link to this panel
          </MenuItem>
        )}
        {exports.table && (
          <MenuItem icon={<Table2 size={14} />} onSelect={() => setTable(true)}>
            View as table
          </MenuItem>
        )}
        {(exports.png || exports.svg) && (
          <MenuItem icon={<Image size={14} />} onSelect={() => void savePng()}>
            Save as PNG
          </MenuItem>
        )}
        {exports.svg && (
          <MenuItem
            icon={<Spline size={14} />}
            onSelect={() =>
              void attempt(() => saveText(`${fileName}.svg`, "image/svg+xml", exports.svg?.() ?? ""))()
            }
          >
            Save as SVG
          </MenuItem>
        )}
        {(exports.figure ?? exports.drawing) && (
          <MenuItem icon={<FileText size={14} />} onSelect={() => setFigure(true)}>
            Figure for a paper…
          </MenuItem>
        )}
        {correctable && (
          <MenuItem icon={<PencilRuler size={14} />} onSelect={() => correct(correctable)}>
            Correct this metric…
          </MenuItem>
        )}
        {(exports.csv || exports.table) && (
          <MenuItem icon={<Download size={14} />} onSelect={() => void saveCsv()}>
            Save what is drawn (CSV)
          </MenuItem>
        )}
        {exports.csvAll && (
          <MenuItem icon={<Download size={14} />} onSelect={() => void saveAll()}>
            Save every point (CSV)
          </MenuItem>
        )}
        {place.onRemove && (
          <>
            <MenuSeparator />
            <MenuItem icon={<Trash2 size={14} />} onSelect={place.onRemove}>
              Remove
            </MenuItem>
          </>
        )}
      </Menu>
      {trouble && (
        <span className="badge warn" role="alert">
          {trouble}
        </span>
      )}
      {figure && (
        <Suspense>
          <FigureDialog
            title={place.name}
            figure={exports.figure?.() ?? null}
            drawing={exports.drawing ?? null}
            fileName={fileName}
            onClose={() => setFigure(false)}
          />
        </Suspense>
      )}
      {table && exports.table && (
        <Suspense>
          <TableDialog title={place.name} table={exports.table()} onClose={() => setTable(false)} />
        </Suspense>
      )}
    </>
  );
}
