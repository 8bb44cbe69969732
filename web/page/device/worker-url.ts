/**
 * Addresses of our own workers, as the page's policy wants them (Trusted Types): the one place from
 * which a script can be started, and it takes only files that came with the page.
 */
interface ScriptUrlPolicy {
  createScriptURL(address: string): unknown;
}
interface PolicyFactory {
  createPolicy(
    name: string,
    rules: { createScriptURL: (address: string) => string },
  ): ScriptUrlPolicy;
}

const { trustedTypes } = globalThis as { trustedTypes?: PolicyFactory };

const policy = trustedTypes?.createPolicy("doorward", {
  createScriptURL: (address) => {
    const { origin, pathname } = new URL(address, location.href);
    const isOwn =
      origin === location.origin &&
      (pathname.startsWith("/assets/") || pathname === "/service-worker.js" || import.meta.env.DEV);
    if (!isOwn) throw new TypeError("Cannot start worker: not a file of this page");
    return address;
  },
});

/** @param address - As the build names the file. */
export function workerUrl(address: string): URL {
  // Typed as what the constructor takes; browsers without Trusted Types take the text itself.
  return (policy ? policy.createScriptURL(address) : address) as URL;
}
