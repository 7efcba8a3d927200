import { apiUrl, basePath } from "./base";

/** Tokens of servers on one origin but different base paths must not overwrite each other. */
const STORAGE_KEY = `treering-token:${basePath()}`;

type Listener = () => void;

let token: string | null = null;
const listeners = new Set<Listener>();

/** The bearer token of this browser, or null if a command must open the page first. */
export function getToken(): string | null {
  return token;
}

export function subscribeToken(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Forgets the token: the server said that it is unknown, expired or revoked. */
export function dropToken(): void {
  store(null);
}

/** A fetch that carries the token, and forgets it when the server does not know it any more. */
export async function authorizedFetch(input: Request): Promise<Response> {
  const sent = token;
  if (sent) input.headers.set("Authorization", `Bearer ${sent}`);
  const response = await fetch(input);
  if (response.status === 401 && token === sent) dropToken();
  return response;
}

/**
 * Takes up the session: the one-time code in the fragment first, else the stored token.
 *
 * The fragment never reaches a server log, and it is removed before the exchange, so that a copied
 * address or a back button cannot carry it on.
 */
export async function openSession(): Promise<void> {
  const code = new URLSearchParams(location.hash.slice(1)).get("t");
  token = read();
  if (!code) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  try {
    const response = await fetch(apiUrl("session"), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ one_time: code }),
    });
    if (!response.ok) return; // An old link in an open browser: the stored token may still be good.
    const body: unknown = await response.json();
    if (typeof body === "object" && body !== null && "token" in body && typeof body.token === "string") {
      store(body.token);
    }
  } catch {
    // No server: the page says so when its first request fails.
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null; // Storage is forbidden: the session then lasts as long as the tab.
  }
}

function store(next: string | null): void {
  token = next;
  try {
    if (next) localStorage.setItem(STORAGE_KEY, next);
    else localStorage.removeItem(STORAGE_KEY);
  } catch {
    // See read().
  }
  for (const listener of listeners) listener();
}
