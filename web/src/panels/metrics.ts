import type { KeyInfo } from "@/api/types";
import type { Panel } from "@/state/layout";

/**
 * The metrics that a panel names in its settings: keys, columns such as `metric:loss`, and names within expressions.
 *
 * Every kind of panel keeps them where it wants; a text that is no metric's name is none.
 */
export function metricsOf(panel: Panel, info: KeyInfo | null, keys: readonly KeyInfo[]): KeyInfo[] {
  const named = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value === "string") {
      named.add(value.replace(/^metric:/, ""));
      if (value.startsWith("=")) for (const word of value.split(/[\s()*+,`-]+/)) named.add(word);
    } else if (Array.isArray(value)) {
      value.forEach(collect);
    } else if (value && typeof value === "object") {
      Object.values(value).forEach(collect);
    }
  };
  collect(panel.settings);
  const found = keys.filter(
    ({ key, logged_as }) => named.has(key) || logged_as?.some((name) => named.has(name)),
  );
  return info && !found.some(({ key }) => key === info.key) ? [info, ...found] : found;
}
