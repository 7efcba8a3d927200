export { compareKeys } from "@/state/arrangement";

/** A test for keys; null if the pattern is not a regular expression. An empty pattern matches all. */
export function keyMatcher(pattern: string, regex: boolean): ((key: string) => boolean) | null {
  if (!pattern) return () => true;
  if (!regex) {
    const lower = pattern.toLowerCase();
    return (key) => key.toLowerCase().includes(lower);
  }
  try {
    const expression = new RegExp(pattern, "i");
    return (key) => expression.test(key);
  } catch {
    return null;
  }
}
