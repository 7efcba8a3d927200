import {
  Check,
  ChevronDown,
  Copy,
  Download,
  FolderOpen,
  House,
  Pencil,
  Save,
  SaveAll,
  Trash2,
  Undo2,
  Upload,
} from "lucide-react";
import { lazy, Suspense, useRef, useState } from "react";
import type { ViewList, ViewRow } from "@/api/views";
import { useOrigin, useUnsaved } from "@/state/savedView";
import { openView } from "@/state/view";
import { Menu, MenuCheck, MenuItem, MenuLabel, MenuSeparator, SubMenu } from "@/ui/Menu";
import type { Asking } from "./asking";
import { useViewActions } from "./useViewActions";

const ViewDialogs = lazy(() => import("./ViewDialogs"));

interface ViewsMenuProps {
  entity: string;
  project: string;
  list: ViewList;
}

const AUTOMATIC_NAME = "Default view";

/** Which saved view is open, whether it was changed, and all that can be done with it. */
export function ViewsMenu({ entity, project, list }: ViewsMenuProps) {
  const { saved, base, trouble: missing } = useOrigin();
  const unsaved = useUnsaved();
  const actions = useViewActions(entity, project, list.default?.id ?? null);
  const [asking, setAsking] = useState<Asking>(null);
  const file = useRef<HTMLInputElement>(null);
  const name = saved?.name ?? AUTOMATIC_NAME;
  const mine = list.views.filter(({ shared }) => !shared);
  const shared = list.views.filter((view) => view.shared);
  const mayEdit = saved?.may_edit ?? false;
  const trouble = actions.trouble ?? missing;
  const entry = (view: ViewRow) => (
    <MenuItem
      key={view.id}
      icon={view.id === saved?.id && <Check size={14} />}
      onSelect={() => void actions.open(view.id)}
    >
      <span className="view-name">{view.name}</span>
      {view.default && <small>{view.default === "project" ? "default" : "template"}</small>}
      {view.shared && !view.mine && <small>{view.owner}</small>}
    </MenuItem>
  );
  return (
    <>
      <Menu
        align="start"
        trigger={
          <button
            type="button"
            className="button views-button"
            aria-label={`View: ${name}${unsaved ? ", with unsaved changes" : ""}`}
            title={unsaved ? `${name}: changed since it was saved` : name}
          >
            <span className="button-text">{name}</span>
            {unsaved && <i className="unsaved" />}
            <ChevronDown size={13} />
          </button>
        }
      >
        <div className="menu-scroll">
          <MenuItem icon={saved === null && <Check size={14} />} onSelect={() => void actions.open(null)}>
            {AUTOMATIC_NAME} <small>automatic</small>
          </MenuItem>
          {mine.length > 0 && <MenuLabel>Mine</MenuLabel>}
          {mine.map(entry)}
          {shared.length > 0 && <MenuLabel>Shared</MenuLabel>}
          {shared.map(entry)}
        </div>
        <MenuSeparator />
        {mayEdit && unsaved && (
          <MenuItem icon={<Save size={14} />} onSelect={() => void actions.save()}>
            Save
          </MenuItem>
        )}
        <MenuItem icon={<SaveAll size={14} />} onSelect={() => setAsking("save as")}>
          Save as…
        </MenuItem>
        {unsaved && (
          <MenuItem icon={<Undo2 size={14} />} onSelect={() => openView(base)}>
            Discard changes
          </MenuItem>
        )}
        {saved && mayEdit && (
          <>
            <MenuItem icon={<Pencil size={14} />} onSelect={() => setAsking("rename")}>
              Rename…
            </MenuItem>
            <MenuCheck checked={saved.shared} onChange={(next) => void actions.change({ shared: next })}>
              Shared with the project
            </MenuCheck>
            <SubMenu icon={<House size={14} />} label="Opens first">
              {!saved.shared && <MenuLabel>This shares it with everybody there.</MenuLabel>}
              <MenuCheck
                checked={saved.default === "project"}
                onChange={(on) =>
                  void actions.change(on ? { default: "project", shared: true } : { default: "none" })
                }
              >
                In this project
              </MenuCheck>
              <MenuCheck
                checked={saved.default === "entity"}
                onChange={(on) =>
                  void actions.change(on ? { default: "entity", shared: true } : { default: "none" })
                }
              >
                In every project of {entity} without its own
              </MenuCheck>
            </SubMenu>
          </>
        )}
        <MenuSeparator />
        <MenuItem
          icon={<Copy size={14} />}
          onSelect={() => void navigator.clipboard?.writeText(location.href)}
        >
          Copy link
        </MenuItem>
        <SubMenu icon={<FolderOpen size={14} />} label="File">
          <MenuItem icon={<Download size={14} />} onSelect={actions.exportFile}>
            Export as JSON
          </MenuItem>
          <MenuItem icon={<Upload size={14} />} onSelect={() => file.current?.click()}>
            Import from JSON…
          </MenuItem>
        </SubMenu>
        {saved && mayEdit && (
          <MenuItem icon={<Trash2 size={14} />} onSelect={() => setAsking("delete")}>
            Delete…
          </MenuItem>
        )}
      </Menu>
      {unsaved && mayEdit && (
        <button
          type="button"
          className="button save-view"
          disabled={actions.busy}
          onClick={() => void actions.save()}
        >
          Save
        </button>
      )}
      {trouble && (
        <span className="view-trouble" role="alert">
          {trouble}
        </span>
      )}
      <input
        ref={file}
        type="file"
        accept="application/json,.json"
        hidden
        aria-label="File of a view"
        onChange={(event) => {
          const chosen = event.target.files?.[0];
          event.target.value = "";
          if (chosen) void actions.importFile(chosen);
        }}
      />
      {(asking || actions.conflict) && (
        <Suspense>
          <ViewDialogs
            asking={actions.conflict && asking === null ? "conflict" : (asking ?? "conflict")}
            saved={saved}
            actions={actions}
            onAsk={setAsking}
          />
        </Suspense>
      )}
    </>
  );
}
