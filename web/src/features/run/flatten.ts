/** A nested map as rows of dotted keys, in the order in which it was written. Lists stay whole. */
export function flatten(value: unknown, prefix = ""): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return prefix ? [[prefix, value]] : [];
  const entries = Object.entries(value);
  if (entries.length === 0 && prefix) return [[prefix, {}]];
  return entries.flatMap(([key, inner]) => flatten(inner, prefix ? `${prefix}.${key}` : key));
}
