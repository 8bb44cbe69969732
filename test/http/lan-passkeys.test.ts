import { expect, test } from "vitest";
import { requireOwnPasskey } from "../../src/keys/passkey-origin.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { envelopeSigner } from "../../src/owner/identity.ts";
import { foundHousehold } from "../../src/owner/household.ts";
import type { HubInfo } from "../../src/protocol/api.ts";
import { fromBase64, fromHex, sha256Hex } from "../../src/protocol/bytes.ts";
import { canonicalJson } from "../../src/protocol/canonical-json.ts";
import {
  openEnvelope,
  PAYLOAD_TYPES,
  signEnvelope,
  type Envelope,
} from "../../src/protocol/envelope.ts";
import { verifyKeyring, type Keyring } from "../../src/protocol/keyring.ts";
import { createAuthenticator, type TestAuthenticator } from "../support/authenticator.ts";
import { newDevice, signStatement, statementAfter } from "../support/test-household.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

const LAN = { addresses: () => ["127.0.0.1"], mdns: false } as const;
const FOREIGN = ["https://doorward.local.example.org", "doorward.local.example.org"] as const;

/** As a browser makes one at `origin`. */
function passkeyAt(origin: string, relyingPartyId: string): TestAuthenticator["passkey"] {
  return { ...createAuthenticator("ES256").passkey, origin, relyingPartyId };
}

function keyringOf({ hub }: TestHub): Keyring {
  const { keyring } = hub.services.household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  return keyring;
}

const openLan = (lan = {}) => ({
  ...{ lan: { ...LAN }, environment: { DOORWARD_PORT: "0" } },
  settings: {
    lan: {
      ...{ isOpen: true, name: "doorward.local", port: 0, certificatePort: 0 },
      ...{ certificate: null, proxy: null, ...lan },
    },
  },
});

/** Hands an admission to the desk, as an owner's page does. */
async function admit(hub: TestHub, device: ReturnType<typeof newDevice>): Promise<void> {
  const statement = statementAfter(keyringOf(hub), device.change);
  const newcomer = { pairing: "0".repeat(32), sealed: "" };
  hub.hub.services.keyringDesk.admit(
    await signStatement(statement, [hub.owner.key]),
    device.label,
    newcomer,
  );
}

test("a passkey counts of this machine's own pages and of the hub's, by exactly their origin and name", () => {
  const origins = ["https://doorward.local:8443", "https://door.example.org"];
  const taken = (origin: string, relyingPartyId: string): boolean => {
    try {
      requireOwnPasskey({ origin, relyingPartyId }, origins);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: "PASSKEY_FOREIGN" });
      return false;
    }
  };
  expect(taken("https://doorward.local:8443", "doorward.local")).toBe(true);
  expect(taken("https://door.example.org", "door.example.org")).toBe(true);
  // The hub's own page on its machine, and the one of `owner ui`, wherever it listens.
  expect(taken("http://localhost:8080", "localhost")).toBe(true);
  expect(taken("http://localhost:49152", "localhost")).toBe(true);
  for (const [origin, name] of [
    FOREIGN,
    ["https://doorward.local:9443", "doorward.local"],
    ["http://doorward.local:8443", "doorward.local"],
    ["https://doorward.local:8443", "local"],
    ["https://door.example.org", "example.org"],
    ["https://door.example.org/", "door.example.org"],
    ["https://doorward.local:8443", "door.example.org"],
    ["http://localhost:8080", "doorward.local"],
    ["http://localhost.example.org", "localhost.example.org"],
    ["https://x@door.example.org", "door.example.org"],
    ["doorward.local", "doorward.local"],
    ["null", ""],
    ["", ""],
  ] as const)
    expect(taken(origin, name), `${origin} ${name}`).toBe(false);
  expect(() => requireOwnPasskey(undefined, [])).not.toThrow();
});

test("who comes in with a passkey of another page is refused, and one of the hub's name signs, also after a move", async () => {
  await using hub = await startTestHub(openLan());
  const { lan, household } = hub.hub.services;
  // Written down: what the end of a move writes is read with it.
  await lan.setOpen(true);
  const origin = lan.state().origin ?? "";
  const foreign = newDevice("owner", { passkey: passkeyAt(...FOREIGN) });
  const { head } = keyringOf(hub);
  await expect(admit(hub, foreign)).rejects.toMatchObject({ code: "PASSKEY_FOREIGN" });
  expect(keyringOf(hub).head).toBe(head);

  const own = createAuthenticator("ES256", true, { origin, relyingPartyId: "doorward.local" });
  const device = newDevice("owner", { passkey: own.passkey });
  await admit(hub, device);
  const policy = { ...keyringOf(hub).policy, vetoWindowMs: 60_000 };
  const signedBy = async (changes = {}): Promise<Envelope> => {
    const statement = statementAfter(keyringOf(hub), { kind: "policy", policy });
    const signer = {
      ...envelopeSigner(device.key),
      assert: async (challenge: Uint8Array) => own.assert(challenge, changes),
    };
    const head = fromHex(sha256Hex(canonicalJson(statement)), "head");
    return signEnvelope(PAYLOAD_TYPES.keyring, statement, signer, head);
  };
  const change = async (changes = {}) =>
    hub.hub.services.keyringDesk.change(await signedBy(changes), [], () => undefined).state;
  await expect(change({ origin: FOREIGN[0] })).rejects.toMatchObject({
    code: "KEYRING_NOT_CONFIRMED",
  });
  await expect(change({ relyingPartyId: FOREIGN[1] })).rejects.toMatchObject({
    code: "KEYRING_NOT_CONFIRMED",
  });
  expect(await change()).toBe("accepted");

  // While the household moves both names count; afterwards the old one for nobody who comes in.
  await lan.moveTo("door.example.org");
  const moved = lan.state().moving?.origin ?? "";
  expect(lan.origins()).toEqual([origin, moved]);
  await admit(hub, newDevice("adult", { passkey: passkeyAt(origin, "doorward.local") }));
  await admit(hub, newDevice("adult", { passkey: passkeyAt(moved, "door.example.org") }));
  await lan.endMove("door.example.org");
  await lan.configure();
  expect(lan.origins()).toEqual([moved]);
  await expect(
    admit(hub, newDevice("adult", { passkey: passkeyAt(origin, "doorward.local") })),
  ).rejects.toMatchObject({ code: "PASSKEY_FOREIGN" });
  expect(await change()).toBe("accepted");
  expect(openEnvelope(household.statements().at(-1), PAYLOAD_TYPES.keyring, "x").content).toEqual(
    expect.objectContaining({ change: expect.objectContaining({ kind: "policy" }) as unknown }),
  );
});

test("a household is founded with a passkey of the hub's own page, and with none of another", async () => {
  await using hub = await startTestHub({ ...openLan(), claimed: false });
  const { claimDesk, lan } = hub.hub.services;
  const found = async (passkey: TestAuthenticator["passkey"]) => {
    const info = (await hub.call("GET", "/api/hub")).json<HubInfo>();
    const { statement, label, recovery } = await foundHousehold(info, {
      ...{ kind: "x25519", label: "founder", nowMs: hub.clock.nowMs, passkey },
    });
    const { readers } = verifyKeyring([statement]);
    const { code } = claimDesk;
    const body = { code, originals: readers.originals, recovery: readers.recovery };
    const { file } = (await hub.call("POST", "/api/claim/test", { body })).json<{ file: string }>();
    const identities = [recovery.reader.identity];
    const opened = await openSealedFile(fromBase64(file, "file"), identities, null);
    const claim = { code, statement, label, proof: sha256Hex(opened) };
    return hub.call("POST", "/api/claim", { body: claim });
  };
  const refused = await found(passkeyAt(...FOREIGN));
  expect(refused.statusCode).toBe(422);
  expect(refused.json()).toMatchObject({ code: "PASSKEY_FOREIGN" });
  expect(hub.hub.services.household.keyring).toBeNull();
  const taken = await found(passkeyAt(lan.state().origin ?? "", "doorward.local"));
  expect(taken.statusCode).toBe(200);
});
