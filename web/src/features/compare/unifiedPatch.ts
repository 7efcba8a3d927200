import type { CodeFile } from "@/api/comparison";

/** A unified diff as git would write it, with the header by which its file is known. */
export function unifiedPatch(path: string, status: CodeFile["status"], diff: string): string {
  if (diff.startsWith("diff --git ")) return diff;
  const mode =
    status === "added" ? "new file mode 100644\n" : status === "removed" ? "deleted file mode 100644\n" : "";
  return `diff --git a/${path} b/${path}\n${mode}${diff}`;
}
