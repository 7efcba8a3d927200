import { apiUrl, basePath } from "./base";

/**
 * How this browser may ask the server:
 *
 * - `token`: a server without accounts gave it a session, kept here and sent as a header;
 * - `cookie`: a person signed in; the cookie is out of reach of scripts;
 * - `share`: a link to one run or project was opened, and only that can be read;
 * - `none`: somebody has to sign in, or a command must open the page.
 */
export type Access =
  | { kind: "token"; token: string }
  | { kind: "share"; token: string }
  | { kind: "cookie" }
  | { kind: "none" };

/** What a server says to anybody. `setup`: it has no accounts yet. */
export interface Greeting {
  version: string;
  mode: "local" | "team";
  setup: boolean;
  /** The browser came with a cookie that is good. */
  entered: boolean;
}

/** A code from the fragment of a link that makes an account, and what kind of link it was. */
export interface Invitation {
  kind: "setup" | "invite";
  code: string;
}

/** Tokens of servers on one origin but different base paths must not overwrite each other. */
const TOKEN_KEY = `treering-token:${basePath()}`;
const SHARE_KEY = `treering-share:${basePath()}`;
const NONE: Access = { kind: "none" };

type Listener = () => void;

let access: Access = NONE;
let greeting: Greeting | null = null;
const listeners = new Set<Listener>();

export function getAccess(): Access {
  return access;
}

/** What the server said of itself when the page was opened; null if it did not answer. */
export function getGreeting(): Greeting | null {
  return greeting;
}

export function subscribeAccess(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Forgets the session: the server said that it is unknown, expired or revoked. */
export function dropAccess(): void {
  if (access.kind === "token") keep(localStorageOrNull(), TOKEN_KEY, null);
  if (access.kind === "share") keep(sessionStorageOrNull(), SHARE_KEY, null);
  change(NONE);
}

/** Goes on with the cookie that a sign-in has just set. */
export function enterWithCookie(): void {
  keep(sessionStorageOrNull(), SHARE_KEY, null);
  if (greeting) greeting = { ...greeting, setup: false };
  change({ kind: "cookie" });
}

/** A fetch with what this browser has, which is forgotten when the server does not know it any more. */
export async function authorizedFetch(input: Request): Promise<Response> {
  const sent = access;
  if (sent.kind === "token" || sent.kind === "share") {
    input.headers.set("Authorization", `Bearer ${sent.token}`);
  }
  const response = await fetch(input);
  if (response.status === 401 && access === sent) dropAccess();
  return response;
}

/**
 * Takes up what there is: a code in the fragment first, else what is stored, else a cookie.
 *
 * The fragment never reaches a server log, and it is removed before anything is asked, so that a
 * copied address or a back button cannot carry it on. Returns a code that makes an account, if the
 * address had one.
 */
export async function openSession(): Promise<Invitation | null> {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const [code, setup, invite, share] = ["t", "setup", "invite", "share"].map((name) => fragment.get(name));
  if (code || setup || invite || share) {
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  if (code) await exchange(code);
  if (access.kind === "none") {
    const stored = read(localStorageOrNull(), TOKEN_KEY);
    if (stored) access = { kind: "token", token: stored };
  }
  greeting = await greet();
  if (greeting?.mode !== "team") return null;
  const token = share ?? read(sessionStorageOrNull(), SHARE_KEY);
  if (access.kind === "none" && greeting.entered) access = { kind: "cookie" };
  else if (token) {
    keep(sessionStorageOrNull(), SHARE_KEY, token);
    access = { kind: "share", token };
  }
  if (setup) return { kind: "setup", code: setup };
  return invite ? { kind: "invite", code: invite } : null;
}

async function exchange(code: string): Promise<void> {
  try {
    const response = await post("session", { one_time: code });
    if (!response.ok) return; // An old link in an open browser: the stored token may still be good.
    const body: unknown = await response.json();
    if (typeof body === "object" && body !== null && "token" in body && typeof body.token === "string") {
      keep(localStorageOrNull(), TOKEN_KEY, body.token);
      access = { kind: "token", token: body.token };
    }
  } catch {
    // No server: the page says so when its first request fails.
  }
}

async function greet(): Promise<Greeting | null> {
  try {
    const response = await fetch(apiUrl("server"));
    return response.ok ? ((await response.json()) as Greeting) : null;
  } catch {
    return null;
  }
}

/** A JSON request without any session: what a person who is not signed in may send. */
export function post(route: string, body: unknown): Promise<Response> {
  return fetch(apiUrl(route), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

function change(next: Access): void {
  access = next;
  for (const listener of listeners) listener();
}

// Storage can be forbidden; what would be kept then lasts as long as the page.

function localStorageOrNull(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

function sessionStorageOrNull(): Storage | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

function read(storage: Storage | null, key: string): string | null {
  try {
    return storage?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

function keep(storage: Storage | null, key: string, value: string | null): void {
  try {
    if (value) storage?.setItem(key, value);
    else storage?.removeItem(key);
  } catch {
    // See above.
  }
}
