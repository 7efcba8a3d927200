/** A nested map as rows of dotted keys, in the order in which it was written. Lists stay whole. */
export function flatten(value: unknown, prefix = ""): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return prefix ? [[prefix, value]] : [];
  const entries = Object.entries(value);
  if (entries.length === 0 && prefix) return [[prefix, {}]];
  return entries.flatMap(([key, inner]) => flatten(inner, prefix ? `${prefix}.${key}` : key));
}

/** How a run was started, with each later life (a resumed run has them) under a name of its own instead of in a list. */
export function livesApart(meta: Record<string, unknown>): Record<string, unknown> {
  const { later_lives: lives, also_started_with: _, ...first } = meta;
  if (!Array.isArray(lives)) return meta;
  return { ...first, ...Object.fromEntries(lives.map((life, i) => [`life ${i + 2}`, life])) };
}
