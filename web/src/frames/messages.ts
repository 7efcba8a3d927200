// What the frames for figures have in common. They run in an origin of their own, apart from the page.

/** Takes messages of our own page alone, and says that the frame is ready. */
export function serve(draw: (message: Record<string, unknown>) => Promise<number>): void {
  window.addEventListener("message", ({ source, origin, data }: MessageEvent<unknown>) => {
    // A frame that was written into its page has no origin to compare with, and that page alone above it.
    if (source !== window.parent || (origin !== location.origin && location.protocol !== "about:")) return;
    if (typeof data !== "object" || data === null) return;
    draw(data as Record<string, unknown>).then(
      (traces) => say({ type: "drawn", traces }),
      (cause: unknown) =>
        say({ type: "failed", reason: cause instanceof Error ? cause.message : String(cause) }),
    );
  });
  say({ type: "ready" });
}

function say(message: object): void {
  // Opened by itself, or taken out of the page while it drew: there is nobody to tell.
  if (window.parent === window) return;
  // To whoever shows this frame, which the policy says is our page, or one that is just being left: nothing in it is secret.
  window.parent.postMessage(message, "*");
}

export interface Look {
  dark: boolean;
  surface: string;
  text: string;
  grid: string;
}

export function theFigure(): HTMLElement {
  const found = document.getElementById("figure");
  if (!found) throw new Error("the shell has no place for the figure");
  return found;
}
