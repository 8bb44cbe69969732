import { describe, expect, test } from "vitest";
import { readersForRole } from "../../src/owner/device-bundle.ts";
import { roleHasRight, type Right, type Role } from "../../src/protocol/keyring.ts";
import { startTestHub, type Method } from "../support/test-hub.ts";

// The table of roles, once more and in one place: rights, readers, and what the hub answers.

const TABLE: Readonly<Record<Role, { rights: readonly Right[]; readers: readonly string[] }>> = {
  owner: {
    rights: ["view_originals", "view_blurred", "live", "sign", "administer"],
    readers: ["originals", "blurred", "owners"],
  },
  adult: {
    rights: ["view_originals", "view_blurred", "live"],
    readers: ["originals", "blurred"],
  },
  viewer: { rights: ["view_blurred"], readers: ["blurred"] },
  guest: { rights: ["live"], readers: [] },
};
const ROLES = ["owner", "adult", "viewer", "guest"] as const;
/** A door behind each right. */
const DOORS: readonly (readonly [Right | "session", Method, string])[] = [
  ["session", "GET", "/api/keyring"],
  ["sign", "GET", "/api/requests"],
  ["sign", "POST", "/api/forms"],
  ["administer", "GET", "/api/pairings"],
  ["administer", "GET", "/api/sessions"],
  ["live", "GET", "/api/live/front"],
];

describe.each(ROLES)("%s", (role) => {
  const { rights, readers } = TABLE[role];

  test("has the rights of the table and no other, and the readers that go with them", () => {
    const all: readonly Right[] = TABLE.owner.rights;
    expect(all.filter((right) => roleHasRight(role, right))).toEqual(rights);
    const held = { originals: "a", blurred: "b", owners: "c" };
    expect(Object.keys(readersForRole(held, role))).toEqual(readers);
  });

  test("is answered by each door as the table says, and is handed no more readers", async () => {
    await using hub = await startTestHub();
    const device = role === "owner" ? hub.owner : await hub.admit(role);
    expect(Object.keys(device.bundle.readers)).toEqual(readers);
    for (const [right, method, url] of DOORS) {
      const body = method === "POST" ? { body: {} } : {};
      const { statusCode } = await hub.call(method, url, { as: device, ...body });
      const mayEnter = right === "session" || rights.includes(right);
      expect([url, statusCode === 403], `${role} ${url} ${statusCode}`).toEqual([url, !mayEnter]);
      expect((await hub.call(method, url, body)).statusCode, url).toBe(401);
    }
  });
});
