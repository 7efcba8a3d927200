import { type FormEvent, useId, useState } from "react";
import { toApiError } from "@/api/error";
import { post } from "@/api/session";

interface CredentialFormProps {
  /** Route below the API that takes the form. */
  route: string;
  action: string;
  /** Sent with what the person types. */
  extra?: Record<string, string>;
  /** A password that is being chosen is typed twice. */
  choosing?: boolean;
  /** An invitation names its user already. */
  fixedName?: boolean;
  onDone(): void;
}

const SHORTEST = 10;

/** Name and password, for the door: signing in, the first account, an invitation. */
export function CredentialForm({
  route,
  action,
  extra = {},
  choosing = false,
  fixedName = false,
  onDone,
}: CredentialFormProps) {
  const id = useId();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (choosing && password.length < SHORTEST) {
      setError(`A password has at least ${SHORTEST} characters.`);
      return;
    }
    if (choosing && password !== again) {
      setError("The two passwords differ.");
      return;
    }
    setBusy(true);
    setError("");
    try {
      const response = await post(route, { ...(fixedName ? {} : { name }), password, ...extra });
      if (response.ok) {
        onDone();
        return;
      }
      const { message, hint } = toApiError(response.status, await response.json().catch(() => null));
      setError([message, hint].filter(Boolean).join(" "));
    } catch {
      setError("The server does not answer.");
    }
    setBusy(false);
  }

  return (
    <form className="entrance-form" onSubmit={submit}>
      {!fixedName && (
        <label htmlFor={`${id}-name`}>
          Name
          <input
            id={`${id}-name`}
            className="text-input"
            value={name}
            onChange={(event) => setName(event.target.value)}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
          />
        </label>
      )}
      <label htmlFor={`${id}-password`}>
        Password
        <input
          id={`${id}-password`}
          className="text-input"
          type="password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          autoComplete={choosing ? "new-password" : "current-password"}
          required
        />
      </label>
      {choosing && (
        <label htmlFor={`${id}-again`}>
          Password again
          <input
            id={`${id}-again`}
            className="text-input"
            type="password"
            value={again}
            onChange={(event) => setAgain(event.target.value)}
            autoComplete="new-password"
            required
          />
        </label>
      )}
      {error && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
      <button type="submit" className="button primary" disabled={busy}>
        {busy ? "One moment…" : action}
      </button>
    </form>
  );
}
