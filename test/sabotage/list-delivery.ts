import type { Sabotage } from "./sabotage.ts";

/** What leaves the house, and who may fetch it. */
export const DELIVERY_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a swapped viewer holds",
    file: "src/protocol/bundle-files.ts",
    find: "|| sha256Hex(content) !== viewerSha256)",
    replace: ")",
    tests: ["test/http/pick-up.test.ts"],
    only: "a bundle's viewer",
  },
  {
    name: "a link is opened more often than was signed for",
    file: "src/consent/shares.ts",
    find: "AND views < views_max AND expires_at_ms > ?",
    replace: "AND views < views_max + 0 * expires_at_ms + 0 * ? + 1",
    tests: ["test/consent/shares.test.ts"],
    only: "as often as was signed for",
  },
  {
    name: "a link that is over answers otherwise than one that never was",
    file: "src/consent/shares.ts",
    find: "    if (!row) return null;",
    replace: '    if (!row) throw new HubError("NOT_OPEN", "Cannot open: no such link");',
    tests: ["test/consent/shares.test.ts"],
    only: "the same bytes",
  },
  {
    name: "anybody's signature makes a link",
    file: "src/protocol/one-owner.ts",
    find: 'keyring.persons.get(device.person) !== "owner")',
    replace: 'keyring.persons.get(device.person) === "viewer")',
    tests: ["test/consent/shares.test.ts"],
    only: "a link is refused",
  },
  {
    name: "the rest of a fetch is handed out to whoever never began it",
    file: "src/http/pick-up-routes.ts",
    find: "rest !== null && bundle.etag === rest.etag && rest.fromByte",
    replace: "rest !== null && rest.fromByte",
    tests: ["test/http/pick-up.test.ts"],
    only: "is a new fetch of the whole",
  },
  {
    name: "more is approved than anybody could fetch",
    file: "src/protocol/bundle.ts",
    find: "return bytes > BUNDLE_MAX_BYTES",
    replace: "return bytes > 8 * BUNDLE_MAX_BYTES",
    tests: ["test/protocol/approval.test.ts", "test/owner/decide.test.ts"],
  },
  {
    name: "a link is made for a refusal",
    file: "src/consent/shares.ts",
    find: 'if (advance(request.state, "revoke")) return request.decisionSha256;',
    replace: "if (request.decisionSha256) return request.decisionSha256;",
    tests: ["test/consent/shares.test.ts"],
    only: "for a refusal",
  },
  {
    name: "a document is put with another request than the one that announced it",
    file: "src/consent/documents.ts",
    find: "announced.sha256 === sha256Hex(sealed);",
    replace: 'sha256Hex(sealed) !== "";',
    tests: ["test/consent/documents.test.ts"],
    only: "taken once",
  },
];
