import type { Settings } from "@/state/layout";

export interface MarkdownSettings {
  text: string;
}

export const DEFAULTS: MarkdownSettings = { text: "" };
const TEXT_LIMIT = 64 * 1024;

export function check(raw: Settings): Partial<MarkdownSettings> {
  return typeof raw.text === "string" ? { text: raw.text.slice(0, TEXT_LIMIT) } : {};
}

/** The first heading or line. */
export function name({ text }: MarkdownSettings): string {
  const first = text.split("\n").find((line) => line.trim() !== "") ?? "";
  return first.replace(/^#+\s*/, "").slice(0, 60) || "Text";
}
