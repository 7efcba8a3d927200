import { ChevronDown, ChevronRight, File, Search } from "lucide-react";
import { useMemo, useState } from "react";
import type { TreeEntry } from "@/api/runFiles";
import { formatBytes, formatCount } from "@/ui/humanize";
import { type Folder, folderTree } from "./folderTree";

/** Found files beyond this are narrowed by typing on. */
const FOUND = 200;

/** What the commit held. Its contents are in the repository, so only names and sizes are here. */
export function TreeList({ entries }: { entries: readonly TreeEntry[] }) {
  const [text, setText] = useState("");
  const root = useMemo(() => folderTree(entries), [entries]);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found =
    words.length > 0
      ? entries.filter(([path]) => words.every((word) => path.toLowerCase().includes(word)))
      : null;
  return (
    <>
      <span className="field tree-search">
        <Search size={14} aria-hidden="true" />
        <input
          type="search"
          aria-label="Search files of the commit"
          placeholder="Search"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        {found && <span className="field-count">{formatCount(found.length)}</span>}
      </span>
      {found ? (
        <ul className="tree">
          {found.slice(0, FOUND).map(([path, , , bytes]) => (
            <li key={path}>
              <Leaf name={path} bytes={bytes} />
            </li>
          ))}
        </ul>
      ) : (
        <FolderList folder={root} />
      )}
    </>
  );
}

function FolderList({ folder }: { folder: Folder }) {
  return (
    <ul className="tree">
      {folder.folders.map((inner) => (
        <FolderItem key={inner.name} folder={inner} />
      ))}
      {folder.files.map(({ name, bytes }) => (
        <li key={name}>
          <Leaf name={name} bytes={bytes} />
        </li>
      ))}
    </ul>
  );
}

function FolderItem({ folder }: { folder: Folder }) {
  const [open, setOpen] = useState(false);
  return (
    <li>
      <button type="button" className="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? <ChevronDown size={13} /> : <ChevronRight size={13} />}
        {folder.name}/<small>{formatCount(folder.count)}</small>
      </button>
      {open && <FolderList folder={folder} />}
    </li>
  );
}

function Leaf({ name, bytes }: { name: string; bytes: number }) {
  return (
    <span className="tree-leaf">
      <File size={12} aria-hidden="true" />
      <span>{name}</span>
      <small>{Number.isFinite(bytes) && bytes >= 0 ? formatBytes(bytes) : ""}</small>
    </span>
  );
}
