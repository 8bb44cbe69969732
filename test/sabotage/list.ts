/** One edit that would break a promise, and the tests that must notice. */
export interface Sabotage {
  readonly name: string;
  readonly file: string;
  /** Must occur exactly once. */
  readonly find: string;
  readonly replace: string;
  readonly tests: readonly string[];
  /** Only tests whose name matches: keeps slow files short. */
  readonly only?: string;
  /** Published vectors without which the tests cannot notice it. */
  readonly needs?: string;
}

export const SABOTAGES: readonly Sabotage[] = [
  {
    name: "synchronous is NORMAL, so that a power cut takes acknowledged rows",
    file: "src/base/database.ts",
    find: "synchronous = FULL",
    replace: "synchronous = NORMAL",
    tests: ["test/base/database.test.ts"],
  },
  {
    name: "the file key is kept after its segment",
    file: "src/clips/sealed-file.ts",
    find: "    wipe(fileKey);",
    replace: "",
    tests: ["test/clips/keys-gone.test.ts"],
  },
  {
    name: "ephemeral keys wait for the garbage collector",
    file: "src/clips/file-key.ts",
    find: "    releaseKeyObjects();",
    replace: "",
    tests: ["test/clips/keys-gone.test.ts"],
  },
  {
    name: "a decision's nonce is not compared",
    file: "src/protocol/approval.ts",
    find: "context.nonce === null || terms.nonce !== context.nonce",
    replace: "context.nonce === undefined",
    tests: ["test/protocol/approval.test.ts"],
  },
  {
    name: "a decision's signature is not checked",
    file: "src/protocol/approval.ts",
    find: "if (!verifyEnvelopeSignature(envelope, payload, signature, signingKey))",
    replace: 'if (signature.sig === "")',
    tests: ["test/protocol/approval-signers.test.ts"],
  },
  {
    name: "one person counts twice",
    file: "src/protocol/approval.ts",
    find: "if (persons.has(device.person))",
    replace: "if (persons.size < 0)",
    tests: ["test/protocol/approval-signers.test.ts"],
  },
  {
    name: "one signer is enough where two are needed",
    file: "src/protocol/approval.ts",
    find: "if (persons.size < needed)",
    replace: "if (persons.size < 1)",
    tests: ["test/protocol/approval-signers.test.ts"],
  },
  {
    name: "a required passkey may be left out",
    file: "src/protocol/approval.ts",
    find: "if (passkey?.required === true && !signature.assertion)",
    replace: "if (passkey?.required === null)",
    tests: ["test/protocol/approval-signers.test.ts"],
  },
  {
    name: "a second stanza lets somebody else in",
    file: "src/protocol/approval.ts",
    find: "if (!stanza || extra)",
    replace: "if (!stanza)",
    tests: ["test/protocol/approval.test.ts"],
  },
  {
    name: "bytes after a header go out with it",
    file: "src/protocol/approval.ts",
    find: "if (!parsed || !equalBytes(parsed.headerBytes, header))",
    replace: "if (!parsed)",
    tests: ["test/protocol/approval.test.ts"],
  },
  {
    name: "the recipient is not compared with the request's",
    file: "src/protocol/approval.ts",
    find: "request.recipient !== null && request.recipient !== terms.recipient",
    replace: 'request.recipient === ""',
    tests: ["test/protocol/approval.test.ts"],
  },
  {
    name: "a decision for another household is taken",
    file: "src/protocol/approval.ts",
    find: "if (terms.origin !== keyring.origin)",
    replace: 'if (terms.origin === "")',
    tests: ["test/protocol/approval.test.ts"],
  },
  {
    name: "a decision under an older keyring is taken",
    file: "src/protocol/approval.ts",
    find: "terms.keyringHead !== keyring.head || terms.keyringEpoch !== keyring.epoch",
    replace: 'terms.keyringHead === ""',
    tests: ["test/protocol/approval.test.ts"],
  },
  {
    name: "an expired decision is taken",
    file: "src/protocol/approval.ts",
    find: "context.nowMs > terms.notAfterMs || terms.notAfterMs > context.request.expiresAtMs",
    replace: "context.nowMs < 0",
    tests: ["test/protocol/approval.test.ts"],
  },
  {
    name: "another file's hash is taken",
    file: "src/protocol/approval.ts",
    find: "named.file.payloadSha256 !== payloadSha256 || named.file.sizeBytes !== sizeBytes",
    replace: "named.file.sizeBytes < 0",
    tests: ["test/protocol/approval.test.ts"],
  },
  {
    name: "redactions may say what is not so",
    file: "src/protocol/approval.ts",
    find: "if (terms.redactions.faces !== implied.faces || terms.redactions.audio !== implied.audio)",
    replace: "if (terms.redactions.faces === null)",
    tests: ["test/protocol/approval.test.ts"],
  },
  {
    name: "JSON need not be canonical",
    file: "src/protocol/canonical-json.ts",
    find: "if (!equalBytes(written, bytes))",
    replace: "if (written.length === 0)",
    tests: ["test/protocol/canonical-json.test.ts"],
  },
  {
    name: "a keyring statement needs no owner's signature",
    file: "src/protocol/keyring.ts",
    find: "if (!verifyEnvelopeSignature(envelope, payload, signature, signingKey))",
    replace: 'if (signature.sig === "")',
    tests: ["test/protocol/keyring.test.ts"],
  },
  {
    name: "a keyring statement need not follow",
    file: "src/protocol/keyring.ts",
    find: "if (statement.previous !== (keyring ? keyring.head : null))",
    replace: 'if (statement.previous === "")',
    tests: ["test/protocol/keyring.test.ts"],
  },
  {
    name: "low-order keys sign everything",
    file: "src/protocol/envelope.ts",
    find: "{ zip215: false }",
    replace: "{ zip215: true }",
    tests: ["test/protocol/ed25519.test.ts", "test/protocol/envelope.test.ts"],
    needs: "vectors",
  },
  {
    name: "a bundle's payload is not hashed",
    file: "src/protocol/verify-bundle.ts",
    find: "if (toHex(sha256(content.subarray(payloadOffset))) !== file.payloadSha256)",
    replace: "if (payloadOffset < 0)",
    tests: ["test/protocol/bundle.test.ts"],
  },
  {
    name: "an inclusion proof of any length holds",
    file: "src/protocol/merkle.ts",
    find: "return last === 0 && equalBytes(hash, root);",
    replace: "return last >= 0;",
    tests: ["test/protocol/merkle.test.ts"],
  },
  {
    name: "a device believes a ledger that forgot",
    file: "src/owner/witness.ts",
    find: "  if (checkpoint.size < seen.size)",
    replace: "  if (checkpoint.size < 0)",
    tests: ["test/owner/witness.test.ts"],
  },
  {
    name: "a device asks for no consistency proof",
    file: "src/owner/witness.ts",
    find: "  if (!holds)\n    throw new LedgerChanged(",
    replace: "  if (holds === null)\n    throw new LedgerChanged(",
    tests: ["test/owner/witness.test.ts"],
  },
  {
    name: "a session outlives its device",
    file: "src/http/sessions.ts",
    find: "    if (!role) return null;\n    return {",
    replace: "    if (!role && keyring.devices.size < 0) return null;\n    return {",
    tests: ["test/http/access.test.ts"],
  },
  {
    name: "a viewer fetches originals",
    file: "src/http/clip-routes.ts",
    find: "requireRight(device, found.right);",
    replace: "",
    tests: ["test/http/access.test.ts"],
  },
  {
    name: "a form can be used twice",
    file: "src/consent/requests.ts",
    find: 'AND spent_at_ms IS NULL AND expires_at_ms > ?",\n        )\n        .run',
    replace: 'AND expires_at_ms > ?",\n        )\n        .run',
    tests: ["test/http/edges.test.ts"],
  },
  {
    name: "a second claim takes the hub over",
    file: "src/http/household-routes.ts",
    find: '  if (household.keyring)\n    throw new HubError("CLAIM_GONE"',
    replace: '  if (household.keyring === undefined)\n    throw new HubError("CLAIM_GONE"',
    tests: ["test/http/claim.test.ts"],
  },
  {
    name: "the recovery sheet need not open anything",
    file: "src/http/household-routes.ts",
    find: "claimDesk.requireProof(body.proof, readersOf(body.statement));",
    replace: "",
    tests: ["test/http/claim.test.ts"],
  },
  {
    name: "any host name is answered",
    file: "src/http/server.ts",
    find: "requireOwnHost(request, options.hostNames);",
    replace: "",
    tests: ["test/http/edges.test.ts"],
  },
  {
    name: "another site's page may act",
    file: "src/http/server.ts",
    find: "requireOwnOrigin(request);\n",
    replace: "",
    tests: ["test/http/edges.test.ts"],
  },
  {
    name: "a torn file passes for a whole one",
    file: "src/clips/store.ts",
    find: "const isWhole = unfinished.length === 0 && files.length > 0;",
    replace: "const isWhole = files.length > 0;",
    tests: ["test/clips/store.test.ts"],
  },
  {
    name: "a swapped header takes another file's key out of the house",
    file: "src/owner/release.ts",
    find: "if (!isKeyOfPayload(fileKey, payload))",
    replace: "if (payload.length === 0)",
    tests: ["test/owner/release.test.ts"],
  },
];
