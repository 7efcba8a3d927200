/** The path under which the server hangs, with a slash at its end; "/" unless a proxy says otherwise. */
export function basePath(): string {
  return new URL(document.baseURI).pathname.replace(/[^/]*$/, "");
}

/** Absolute URL of an API route, e.g. `apiUrl("series")`. */
export function apiUrl(route: string): string {
  return new URL(`api/1/${route}`, document.baseURI).href;
}
