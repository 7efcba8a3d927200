import { useRef } from "react";
import type { KeyInfo } from "@/api/types";

const NO_KEYS: readonly KeyInfo[] = [];

/** The keys, each the same object as before while nothing about it changed: its panel then does not render again. */
export function useStableKeys<Info extends KeyInfo>(keys: readonly Info[] | undefined): readonly KeyInfo[] {
  const held = useRef<readonly KeyInfo[]>(NO_KEYS);
  const source = useRef<readonly Info[] | undefined>(undefined);
  if (keys && keys !== source.current) {
    source.current = keys;
    const former = new Map(held.current.map((info) => [info.key, info]));
    const next = keys.map((info) => {
      const old = former.get(info.key);
      return old && sameLook(old, info) ? old : info;
    });
    const unchanged =
      next.length === held.current.length && next.every((info, i) => info === held.current[i]);
    if (!unchanged) held.current = next;
  }
  return held.current;
}

function sameLook(a: KeyInfo, b: KeyInfo): boolean {
  return (
    a.kind === b.kind &&
    a.unit === b.unit &&
    a.step_metric === b.step_metric &&
    a.goal === b.goal &&
    a.hidden === b.hidden
  );
}
