interface Policies {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;

/** Script addresses that become workers: those of our own build, which stand in the folder of its assets. */
const workers = policies?.createPolicy("treering-workers", {
  createScriptURL: (url) => {
    const { origin, pathname } = new URL(url, document.baseURI);
    if (origin !== location.origin || !/\/assets\/[\w.-]+\.js$/.test(pathname)) {
      throw new TypeError(`not a script of this page: ${url}`);
    }
    return url;
  },
});

/** Starts a worker of the build under Trusted Types. */
export function startWorker(url: string): Worker {
  return new Worker(workers ? workers.createScriptURL(url) : url, { type: "module" });
}
