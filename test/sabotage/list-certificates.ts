import type { Sabotage } from "./sabotage.ts";

/** Edits that would make the household's authority one to be afraid of. */
export const CERTIFICATE_SABOTAGES: readonly Sabotage[] = [
  {
    name: "the authority may vouch for addresses",
    file: "src/lan/name-constraints.ts",
    find: "return element(SEQUENCE, element(PERMITTED, ...permitted), element(EXCLUDED, ...excluded));",
    replace:
      "return element(SEQUENCE, element(PERMITTED, ...permitted), element(EXCLUDED, ...excluded.slice(1)));",
    tests: ["test/lan/authority-constraints.test.ts"],
    only: "is not an IPv4 address",
  },
  {
    name: "what signs is not bound, only what is trusted",
    file: "src/lan/make-certificate.ts",
    find: "new x509.Extension(NAME_CONSTRAINTS, true, nameConstraintsFor(name)),",
    replace:
      "...(authoritiesBelow ? [new x509.Extension(NAME_CONSTRAINTS, true, nameConstraintsFor(name))] : []),",
    tests: ["test/lan/authority.test.ts"],
    only: "is the same the next time",
  },
  {
    name: "a damaged authority is replaced without a word",
    file: "src/lan/authority.ts",
    find: 'if (!(error instanceof HubError && error.code === "PEM_DAMAGED")) throw error;',
    replace: 'if (error instanceof HubError && error.code === "PEM_DAMAGED") return null;',
    tests: ["test/lan/authority.test.ts"],
    only: "cut short, overwritten or mixed up",
  },
  {
    name: "a certificate is renewed into the years of a clock that is not believed",
    file: "src/lan/leaf.ts",
    find: "if (this.#options.isClockBelieved?.() === false) return false;",
    replace: "",
    tests: ["test/lan/authority.test.ts"],
    only: "renews nothing until it is believed",
  },
  {
    name: "a leaf that was made while the clock was ahead stays",
    file: "src/lan/leaf.ts",
    find: "if (certificate.validFromDate.getTime() > nowMs) return true;",
    replace: "",
    tests: ["test/lan/authority.test.ts"],
    only: "was ahead once",
  },
  {
    name: "the certificate page takes a name after it was chosen",
    file: "src/http/certificate-server.ts",
    find: "if (!isAsked(options.state())) return sendNotFound(reply);",
    replace: "",
    tests: ["test/http/certificate.test.ts"],
    only: "is taken as people type it, once",
  },
  {
    name: "a passkey that was made at another page comes in",
    file: "src/keys/passkey-origin.ts",
    find: "(isThisMachines || origins.includes(origin))",
    replace: "(isThisMachines || origins.length > 0)",
    tests: ["test/http/lan-passkeys.test.ts"],
    only: "a passkey counts of this machine's own pages",
  },
  {
    name: "a device is let in without a look at where its passkey was made",
    file: "src/keys/keyring-desk.ts",
    find: "    requireOwnPasskey(change.device.passkey, this.#origins());\n",
    replace: "",
    tests: ["test/http/lan-passkeys.test.ts"],
    only: "is refused, and one of the hub's name signs",
  },
  {
    name: "a name that is not chosen any more leaves its authority behind",
    file: "src/hub/lan-choice.ts",
    find: "return certificates.forget(name);",
    replace: "return true;",
    tests: ["test/http/lan-starts.test.ts"],
    only: "leaves nothing of the one before it behind",
  },
  {
    name: "one machine may use up the certificate page of all",
    file: "src/http/certificate-server.ts",
    find: 'networks.take(networkOf(socket.remoteAddress ?? ""), nowMs) && all.take(nowMs)',
    replace: "all.take(nowMs)",
    tests: ["test/http/certificate.test.ts"],
    only: "keep the page from nobody else",
  },
];
