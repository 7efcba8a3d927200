export interface PatchLine {
  kind: "same" | "added" | "removed" | "note";
  text: string;
  /** Line numbers before and after; null where there is none. */
  before: number | null;
  after: number | null;
}

export interface Hunk {
  /** What stands behind the @@: the function that it is in. */
  context: string;
  lines: PatchLine[];
}

export interface PatchFile {
  path: string;
  /** The name before, if it was renamed. */
  from: string | null;
  change: "changed" | "added" | "removed" | "renamed";
  binary: boolean;
  hunks: Hunk[];
  added: number;
  removed: number;
}

/** Reads what `git diff` writes. Lines that are not understood are kept as notes, never dropped. */
export function parsePatch(text: string): PatchFile[] {
  const files: PatchFile[] = [];
  let file: PatchFile | null = null;
  let hunk: Hunk | null = null;
  let [before, after] = [0, 0];
  // Lines that the hunk still has: a removed line may begin with "-- " and look like a header.
  let [left, right] = [0, 0];
  for (const line of text.replace(/\n$/, "").split("\n")) {
    if (file && hunk && (left > 0 || right > 0)) {
      const rest = line.slice(1);
      if (line.startsWith("+")) {
        hunk.lines.push({ kind: "added", text: rest, before: null, after: after++ });
        file.added++;
        right--;
        continue;
      }
      if (line.startsWith("-")) {
        hunk.lines.push({ kind: "removed", text: rest, before: before++, after: null });
        file.removed++;
        left--;
        continue;
      }
      if (line.startsWith(" ") || line === "") {
        hunk.lines.push({ kind: "same", text: rest, before: before++, after: after++ });
        left--;
        right--;
        continue;
      }
    }
    const header = /^diff --git (?:"?a\/(.*?)"?) (?:"?b\/(.*?)"?)$/.exec(line);
    if (header) {
      file = {
        path: unquoted(header[2] ?? ""),
        from: null,
        change: "changed",
        binary: false,
        hunks: [],
        added: 0,
        removed: 0,
      };
      hunk = null;
      [left, right] = [0, 0];
      files.push(file);
      continue;
    }
    const range = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/.exec(line);
    if (file && range) {
      [before, after] = [Number(range[1]), Number(range[3])];
      [left, right] = [Number(range[2] ?? 1), Number(range[4] ?? 1)];
      hunk = { context: range[5] ?? "", lines: [] };
      file.hunks.push(hunk);
      continue;
    }
    if (!file) continue;
    if (line.startsWith("\\"))
      hunk?.lines.push({ kind: "note", text: line.slice(2), before: null, after: null });
    else if (line.startsWith("new file")) file.change = "added";
    else if (line.startsWith("deleted file")) file.change = "removed";
    else if (line.startsWith("rename from ")) {
      file.change = "renamed";
      file.from = unquoted(line.slice("rename from ".length));
    } else if (line.startsWith("Binary files ") || line.startsWith("GIT binary patch")) file.binary = true;
  }
  return files;
}

/** Git writes odd names in quotes, with octal escapes of their UTF-8 bytes. */
function unquoted(name: string): string {
  if (!name.includes("\\")) return name;
  const bytes: number[] = [];
  for (let i = 0; i < name.length; i++) {
    const octal = /^\\([0-7]{3})/.exec(name.slice(i, i + 4));
    if (octal) {
      bytes.push(Number.parseInt(octal[1] ?? "0", 8));
      i += 3;
    } else if (name[i] === "\\" && i + 1 < name.length) {
      const letter = name[++i] ?? "";
      bytes.push(...new TextEncoder().encode(letter === "t" ? "\t" : letter === "n" ? "\n" : letter));
    } else bytes.push(...new TextEncoder().encode(name[i] ?? ""));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}
