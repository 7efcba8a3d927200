/** Keys and what they do. Two keys in a row are written with a space: "g w". */
export type KeyMap = Readonly<Record<string, () => void>>;

/** The list shown by `?`, in the order people learn them. */
export const SHORTCUTS: readonly { keys: string; does: string }[] = [
  { keys: "Ctrl K", does: "Command palette" },
  { keys: "/", does: "Search panels" },
  { keys: "f", does: "Filter runs" },
  { keys: "[", does: "Show or hide the list of runs" },
  { keys: "j / k", does: "Next or previous run" },
  { keys: "x", does: "Show or hide the highlighted run" },
  { keys: "p", does: "Pin the highlighted run" },
  { keys: "b", does: "Compare all with the highlighted run" },
  { keys: "Ctrl Z", does: "Undo a change of layout or settings (Ctrl Shift Z: redo)" },
  { keys: "g w", does: "Go to the workspace" },
  { keys: "g r", does: "Go to the highlighted run" },
  { keys: "g p", does: "Go to the projects" },
  { keys: "t", does: "Light or dark theme" },
  {
    keys: "← →",
    does: "Move the crosshair of the focused chart (Shift: faster), or the step of focused media",
  },
  { keys: "+ − 0", does: "Zoom the focused image in, out, or to fit (Shift with arrows: move it)" },
  { keys: "Enter", does: "Focused chart in full screen" },
  { keys: "Backspace", does: "Previous zoom" },
  { keys: "Esc", does: "Close" },
  { keys: "?", does: "This list" },
];

/** Letters that mean something together with Ctrl; the others are the browser's. */
const COMMANDS = ["k", "z", "y"];

const SEQUENCE_MS = 1_000;
const maps = new Set<KeyMap>();
let first: { key: string; at: number } | null = null;

/** Binds keys while mounted; later maps win. Returns a function that unbinds them. */
export function bindKeys(map: KeyMap): () => void {
  if (maps.size === 0) document.addEventListener("keydown", onKeyDown);
  maps.add(map);
  return () => {
    maps.delete(map);
    if (maps.size === 0) document.removeEventListener("keydown", onKeyDown);
  };
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest("input, textarea, select, [contenteditable='true']")) {
    // Typing is never a shortcut. Esc leaves the field, so that the next key can be one.
    if (event.key === "Escape" && target instanceof HTMLElement) target.blur();
    return;
  }
  const command = event.ctrlKey || event.metaKey;
  if (event.altKey || (command && !COMMANDS.includes(event.key.toLowerCase()))) return;
  // An open menu or dialog has its own keys.
  if (!command && document.querySelector("[role=dialog], [role=menu]")) return;

  const shift = command && event.shiftKey ? "Shift " : "";
  const key = command ? `Ctrl ${shift}${event.key.toUpperCase()}` : event.key;
  const names = first && event.timeStamp - first.at < SEQUENCE_MS ? [`${first.key} ${key}`, key] : [key];
  first = null;
  for (const name of names) {
    const action = [...maps].reverse().find((map) => map[name])?.[name];
    if (!action) continue;
    event.preventDefault();
    action();
    return;
  }
  if ([...maps].some((map) => Object.keys(map).some((name) => name.startsWith(`${key} `)))) {
    first = { key, at: event.timeStamp };
  }
}
