import { createContext, useContext } from "react";

/** The keys of the page that have media, for those who lay several beside each other. */
export const MediaKeysContext = createContext<readonly string[]>([]);

export function useMediaKeys(): readonly string[] {
  return useContext(MediaKeysContext);
}
