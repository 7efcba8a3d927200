import { parseNumber, type RunDetail } from "@/api/types";
import { flatten } from "./flatten";

/** The last numbers and texts of a run. Media are in a tab of their own; here they would be walls of hashes. */
export function summaryEntries(run: RunDetail): [string, unknown][] {
  const plain = Object.fromEntries(Object.entries(run.summary).filter(([, value]) => !isMedia(value)));
  return flatten(plain).map(([key, value]) => {
    const number = typeof value === "string" ? parseNumber(value) : null;
    return [key, number ?? value];
  });
}

function isMedia(value: unknown): boolean {
  if (typeof value === "string") return value.startsWith('{"_type":');
  return typeof value === "object" && value !== null && "_type" in value;
}
