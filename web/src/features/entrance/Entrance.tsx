import type { ReactNode } from "react";
import { enterWithCookie, getGreeting, type Invitation } from "@/api/session";
import { Logo } from "@/ui/Logo";
import { useTitle } from "@/ui/useTitle";
import { CredentialForm } from "./CredentialForm";

interface EntranceProps {
  invitation: Invitation | null;
  onEntered(): void;
}

/** What somebody sees who is not in: sign in, take up an invitation, or learn which command opens the page. */
export function Entrance({ invitation, onEntered }: EntranceProps) {
  const greeting = getGreeting();
  const entered = () => {
    enterWithCookie();
    onEntered();
  };
  if (greeting?.mode !== "team") return <Tokenless />;
  if (invitation?.kind === "setup") {
    return (
      <Door
        title="Make the first account"
        note="It may do everything on this server, and invites the others."
      >
        <CredentialForm
          route="setup"
          action="Make the account"
          extra={{ code: invitation.code }}
          choosing
          onDone={entered}
        />
      </Door>
    );
  }
  if (invitation) {
    return (
      <Door title="Welcome" note="Choose the password of your account.">
        <CredentialForm
          route="invites/accept"
          action="Enter"
          extra={{ code: invitation.code }}
          choosing
          fixedName
          onDone={entered}
        />
      </Door>
    );
  }
  if (greeting.setup) {
    return (
      <Door title="This server has no accounts yet">
        <p>
          Open the set-up link that <code>treering serve</code> printed where it runs, or make the first
          account there:
        </p>
        <pre>treering user add NAME --admin</pre>
      </Door>
    );
  }
  return (
    <Door title="Sign in">
      <CredentialForm route="session/sign-in" action="Sign in" onDone={entered} />
      <p className="muted">No account? An admin of this server can invite you.</p>
    </Door>
  );
}

function Door({ title, note, children }: { title: string; note?: string; children: ReactNode }) {
  useTitle(title);
  return (
    <main className="tokenless">
      <Logo size={40} />
      <h1>{title}</h1>
      {note && <p>{note}</p>}
      {children}
    </main>
  );
}

/** A tab without a session: says which command opens one. */
function Tokenless() {
  return (
    <Door title="This browser has no session">
      <p>Run this where the data is. It prints a link that opens this page:</p>
      <pre>treering ui</pre>
      <p className="muted">
        The link works once and starts a session of 30 days in this browser. If you have just used one, it may
        have been opened elsewhere or the session was revoked; run the command again.
      </p>
    </Door>
  );
}
