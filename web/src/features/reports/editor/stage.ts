import type { Place } from "@/api/pictures";
import type { Fields } from "../blocks";
import type { Shown } from "../useShown";

/** A form that is open: for the node at a place, or for one that Apply puts in at the caret. */
export interface Asked {
  kind: "figure" | "runs" | "formula" | "source";
  position: number | null;
  /** What the node says now: its block, or its formula. */
  source: string;
}

/** What the nodes of the page are drawn with. */
export interface Stage {
  shown: Shown;
  sets: ReadonlyMap<string, Fields>;
  place: Place;
  /** The whole text as it is now. Asked for and not held: with each letter all nodes would be drawn anew. */
  text(): string;
  /** Which figure stands at a place, from 1. */
  numberOf(position: number): number;
  /** Opens the form of a node. */
  ask(asked: Asked): void;
}
