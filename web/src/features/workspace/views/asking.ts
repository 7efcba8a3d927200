/** What the menu of views asks before it does it; null = nothing. */
export type Asking = "save as" | "rename" | "delete" | null;
