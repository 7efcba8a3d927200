// A saved view as JSON: what the server keeps, what files hold, what Python code may write.

import { isFields, readLayout, readSettings, writeLayout } from "./readLayout";
import type { View } from "./view";
import { decodeView, encodeView, type Params } from "./viewUrl";

export const SPEC_VERSION = 1;

export interface Spec {
  readonly version: number;
  /** What the address of the view would hold, all text. */
  readonly view: Params;
  readonly layout: object;
  readonly table: object;
}

/** What one looks at right now belongs to links, and not into a view that is kept. */
const MOMENTARY = ["panel", "q", "plain"];

export function writeSpec(view: View): Spec {
  const { layout: _, table, ...params } = encodeView(view);
  for (const name of MOMENTARY) delete params[name];
  return {
    version: SPEC_VERSION,
    view: params,
    layout: writeLayout(view.layout),
    table: table === undefined ? {} : view.table,
  };
}

/**
 * The view that a spec describes. What is missing or broken in it is at its default.
 *
 * Throws Error, with words for people, if it is no spec or of a later version.
 */
export function readSpec(raw: unknown): View {
  if (!isFields(raw)) throw new Error("This is not a view: expected a JSON object with “version”.");
  if (raw.version !== SPEC_VERSION) {
    throw new Error(
      typeof raw.version === "number" && raw.version > SPEC_VERSION
        ? `This view is of version ${raw.version}, and this server knows version ${SPEC_VERSION}.`
        : "This is not a view: “version” should be 1.",
    );
  }
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries(isFields(raw.view) ? raw.view : {})) {
    // Code may write the values themselves where the address has their text.
    params[name] =
      typeof value === "string"
        ? value
        : typeof value === "boolean"
          ? value
            ? "1"
            : "0"
          : JSON.stringify(value);
  }
  return {
    ...decodeView(params),
    layout: readLayout(raw.layout),
    table: readSettings(raw.table),
    panel: null,
  };
}

/** Whether two views are the same but for what one looks at right now. */
export function isSameView(a: View, b: View): boolean {
  return JSON.stringify(writeSpec(a)) === JSON.stringify(writeSpec(b));
}
