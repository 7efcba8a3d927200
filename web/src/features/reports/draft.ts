// What somebody writes and has not saved is kept in the tab, so that a reload or a crash of the page loses nothing.

export interface Draft {
  /** The version that it began from. */
  version: number;
  title: string;
  markdown: string;
}

const keyOf = (id: string) => `treering-report-draft:${id}`;

export function readDraft(id: string): Draft | null {
  try {
    const draft: unknown = JSON.parse(sessionStorage.getItem(keyOf(id)) ?? "null");
    return isDraft(draft) ? draft : null;
  } catch {
    return null; // storage is forbidden, or something else is written there
  }
}

export function keepDraft(id: string, draft: Draft | null): void {
  try {
    if (draft) sessionStorage.setItem(keyOf(id), JSON.stringify(draft));
    else sessionStorage.removeItem(keyOf(id));
  } catch {
    // Forbidden or full: then what is written lasts as long as the page.
  }
}

function isDraft(value: unknown): value is Draft {
  if (typeof value !== "object" || value === null) return false;
  const { version, title, markdown } = value as Partial<Draft>;
  return typeof version === "number" && typeof title === "string" && typeof markdown === "string";
}
