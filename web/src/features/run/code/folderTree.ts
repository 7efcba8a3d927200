import type { TreeEntry } from "@/api/runFiles";

export interface Folder {
  name: string;
  folders: Folder[];
  files: { name: string; bytes: number }[];
  /** Files in it and below. */
  count: number;
}

const collator = new Intl.Collator("en", { numeric: true });

/** Nests a flat list of paths. */
export function folderTree(entries: readonly TreeEntry[]): Folder {
  const root: Folder = { name: "", folders: [], files: [], count: 0 };
  const known = new Map<string, Folder>([["", root]]);
  const folderAt = (path: string): Folder => {
    const held = known.get(path);
    if (held) return held;
    const slash = path.lastIndexOf("/");
    const made: Folder = { name: path.slice(slash + 1), folders: [], files: [], count: 0 };
    folderAt(path.slice(0, Math.max(0, slash))).folders.push(made);
    known.set(path, made);
    return made;
  };
  for (const [path, , , bytes] of entries) {
    const slash = path.lastIndexOf("/");
    folderAt(path.slice(0, Math.max(0, slash))).files.push({ name: path.slice(slash + 1), bytes });
  }
  order(root);
  return root;
}

function order(folder: Folder): number {
  folder.folders.sort((a, b) => collator.compare(a.name, b.name));
  folder.files.sort((a, b) => collator.compare(a.name, b.name));
  folder.count = folder.files.length + folder.folders.reduce((sum, inner) => sum + order(inner), 0);
  return folder.count;
}
