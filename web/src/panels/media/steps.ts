/** The last of *steps* (rising) that is not after *step*; null = the last one; −1 if all are after it. */
export function stepIndex(steps: readonly number[], step: number | null): number {
  if (step === null) return steps.length - 1;
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle] ?? 0) <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** At most *count* of *steps*, evenly, with the first and the last. */
export function spread(steps: readonly number[], count: number): number[] {
  if (steps.length <= count) return [...steps];
  if (count < 2) return steps.slice(-1);
  return Array.from(
    { length: count },
    (_, i) => steps[Math.round((i * (steps.length - 1)) / (count - 1))] ?? 0,
  );
}
