import { Logo } from "@/ui/Logo";
import { useTitle } from "@/ui/useTitle";

/** A tab without a session: says which command opens one. */
export function TokenlessPage() {
  useTitle("Open with treering ui");
  return (
    <main className="tokenless">
      <Logo size={40} />
      <h1>This browser has no session</h1>
      <p>Run this where the data is. It prints a link that opens this page:</p>
      <pre>treering ui</pre>
      <p className="muted">
        The link works once and starts a session of 30 days in this browser. If you have just used one, it may
        have been opened elsewhere or the session was revoked; run the command again.
      </p>
    </main>
  );
}
