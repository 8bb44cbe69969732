import { WebSocket } from "ws";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  deviceRecord,
  newLabel,
  signingKeyOf,
  type DeviceBundle,
} from "../../src/owner/device-bundle.ts";
import { signAdmission } from "../../src/owner/household.ts";
import { envelopeSigner, generateReader, generateSigningKey } from "../../src/owner/identity.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { commitmentOf, passOn, startPairing } from "../../src/owner/pairing.ts";
import type { KeyringChanged, KeyringProposalList } from "../../src/protocol/api-keyring.ts";
import { fromBase64, sha256Hex, toBase64 } from "../../src/protocol/bytes.ts";
import { roleOfDevice, type KeyringChange } from "../../src/protocol/keyring.ts";
import { startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
import { keyringOf, removal, signAt } from "../support/test-recovery.ts";

let hub: TestHub;
beforeEach(async () => {
  hub = await startTestHub();
});
afterEach(() => hub[Symbol.asyncDispose]());

const TWO: KeyringChange = {
  kind: "policy",
  policy: { exportSigners: 1, keyringSigners: 2, vetoWindowMs: 0 },
};
const key = ({ bundle }: TestDevice) => signingKeyOf(bundle);

async function post(url: string, body: unknown, as: TestDevice = hub.owner) {
  const answer = await hub.call("POST", url, { as, body });
  return answer.statusCode < 300
    ? answer.json<KeyringChanged>().state
    : answer.json<{ code: string }>().code;
}

const proposals = async (as: TestDevice = hub.owner): Promise<KeyringProposalList> =>
  (await hub.call("GET", "/api/keyring/proposals", { as })).json<KeyringProposalList>();

const waiting = async (as: TestDevice) =>
  (await hub.call("GET", "/api/passed-on", { as })).json<{ epoch: number; sealed: string }[]>();

describe("a removal", () => {
  test("passes the new readers on to whoever stays, until he has fetched them", async () => {
    const phone = await hub.admit("owner");
    const other = await hub.admit("viewer");
    const body = await removal(hub, phone.key.device, [hub.owner.key]);
    expect(await post("/api/keyring", body)).toBe("accepted");
    const [one, another] = await waiting(hub.owner);
    expect(another).toBeUndefined();
    expect(one?.epoch).toBe(keyringOf(hub).epoch);
    expect(await waiting(other)).toHaveLength(1);
    await hub.call("DELETE", `/api/passed-on/${one?.epoch ?? 0}`, { as: hub.owner });
    expect(await waiting(hub.owner)).toEqual([]);
    // Each clears its own.
    expect(await waiting(other)).toHaveLength(1);
    expect((await hub.call("GET", "/api/passed-on", { as: phone })).statusCode).toBe(401);
  });

  test("is refused when somebody was forgotten, is named twice, or is not to have readers", async () => {
    const phone = await hub.admit("owner");
    const guest = await hub.admit("guest");
    await hub.admit("adult");
    const body = await removal(hub, phone.key.device, [hub.owner.key]);
    const [first, ...rest] = body.passedOn;
    const more = (device: string) => [...body.passedOn, { device, sealed: "AAAA" }];
    expect(await post("/api/keyring", { ...body, passedOn: rest })).toBe("PASSED_ON_INCOMPLETE");
    for (const passedOn of [
      [...body.passedOn, first],
      more(guest.key.device),
      more(phone.key.device),
      more("0".repeat(64)),
    ])
      expect(await post("/api/keyring", { ...body, passedOn })).toBe("MALFORMED_INPUT");
    expect(await post("/api/keyring", body)).toBe("accepted");
  });

  test("puts the device out within one request, wherever it was", async () => {
    const phone = await hub.admit("owner");
    const { port } = new URL(hub.hub.url);
    const socket = new WebSocket(`ws://localhost:${port}/api/news`, {
      headers: { authorization: `Bearer ${phone.token}` },
    });
    await new Promise((resolve) => socket.once("open", resolve));
    const closed = new Promise<number>((resolve) => socket.once("close", resolve));
    const started = await hub.call("POST", "/api/pairings", {
      body: { commitment: commitmentOf((await startPairing("a phone")).reveal) },
    });
    const { pairing } = started.json<{ pairing: string }>();
    await post("/api/keyring", await removal(hub, phone.key.device, [hub.owner.key]));
    const calls = [
      ["GET", "/api/session"],
      ["GET", "/api/keyring"],
      ["GET", "/api/pairings"],
      ["POST", `/api/pairings/${pairing}/nonce`],
      ["GET", "/api/live/front"],
    ] as const;
    for (const [method, url] of calls)
      expect((await hub.call(method, url, { as: phone })).statusCode, url).toBe(401);
    expect(await closed).toBe(4401);
  });
});

describe("a change that needs two owners", () => {
  let partner: TestDevice;
  beforeEach(async () => {
    partner = await hub.admit("owner");
    await hub.change(TWO);
  });

  test("waits for the other one, who sees what it says", async () => {
    const viewer = await hub.admit("viewer").catch(() => null);
    expect(viewer).toBeNull();
    const body = await removal(hub, partner.key.device, [hub.owner.key]);
    // Two are needed, and one would stay: nobody could ever change anything again.
    expect(await post("/api/keyring", body)).toBe("KEYRING_INVALID_CHANGE");
    const change: KeyringChange = { ...TWO, policy: { ...TWO.policy, vetoWindowMs: 60_000 } };
    const statement = await signAt(hub, change, [hub.owner.key]);
    expect(await post("/api/keyring", { statement, passedOn: [] })).toBe("proposed");
    const [proposal] = await proposals(partner);
    expect(proposal).toMatchObject({
      ...{ statement, needed: 2, signers: [hub.owner.bundle.person] },
    });
    const url = `/api/keyring/proposals/${proposal?.proposal ?? ""}`;
    expect(await post(url, { statement })).toBe("NOT_OPEN");
    const other = await signAt(hub, TWO, [key(partner)]);
    expect(await post(url, { statement: other }, partner)).toBe("MALFORMED_INPUT");
    const stranger = await signAt(hub, change, [generateSigningKey()]);
    expect(await post(url, { statement: stranger }, partner)).toBe("KEYRING_BAD_SIGNATURE");
    expect(keyringOf(hub).policy.vetoWindowMs).toBe(0);
    const cosigned = await signAt(hub, change, [key(partner)]);
    expect(await post(url, { statement: cosigned }, partner)).toBe("accepted");
    expect(keyringOf(hub).policy.vetoWindowMs).toBe(60_000);
    expect(await proposals()).toEqual([]);
  });

  test("keeps the readers that came with it, whatever another owner hands in beside it", async () => {
    const one: KeyringChange = { ...TWO, policy: { ...TWO.policy, keyringSigners: 1 } };
    await hub.change(one, [hub.owner.key, key(partner)]);
    const lost = await hub.admit("owner");
    await hub.change(TWO);
    const body = await removal(hub, lost.key.device, [hub.owner.key]);
    expect(await post("/api/keyring", body)).toBe("proposed");
    const kept = await proposals();
    const { change } = JSON.parse(Buffer.from(body.statement.payload, "base64").toString()) as {
      change: KeyringChange;
    };
    const anew = {
      statement: await signAt(hub, change, [key(partner)]),
      passedOn: body.passedOn.map(({ device }) => ({ device, sealed: "AAAA" })),
    };
    expect(anew.statement.payload).toBe(body.statement.payload);
    expect(await post("/api/keyring", anew, partner)).toBe("NOT_OPEN");
    expect(await proposals()).toEqual(kept);
  });

  test("falls when the keyring has changed, and can be withdrawn", async () => {
    const propose = async (vetoWindowMs: number) => {
      const change: KeyringChange = { ...TWO, policy: { ...TWO.policy, vetoWindowMs } };
      const statement = await signAt(hub, change, [hub.owner.key]);
      expect(await post("/api/keyring", { statement, passedOn: [] })).toBe("proposed");
      return statement;
    };
    await propose(1_000);
    await propose(2_000);
    const [first] = await proposals();
    await hub.call("DELETE", `/api/keyring/proposals/${first?.proposal ?? ""}`, { as: partner });
    const [left, none] = await proposals();
    expect(none).toBeUndefined();
    await hub.change({ ...TWO, policy: { ...TWO.policy, exportSigners: 2 } }, [
      ...[hub.owner.key, key(partner)],
    ]);
    expect(await proposals()).toEqual([]);
    const url = `/api/keyring/proposals/${left?.proposal ?? ""}`;
    const late = await post(url, { statement: left?.statement }, partner);
    expect(late).toBe("NOT_FOUND");
    expect(await post("/api/keyring", { statement: left?.statement, passedOn: [] })).toBe(
      "KEYRING_BROKEN_CHAIN",
    );
  });

  test("admits a device when both have signed, and hands it its readers then", async () => {
    const newcomer = await startPairing("phone");
    const { reveal, commitment } = newcomer;
    const started = (await hub.call("POST", "/api/pairings", { body: { commitment } })).json<{
      pairing: string;
      token: string;
    }>();
    const at = `/api/pairings/${started.pairing}`;
    const headers = { "x-doorward-pairing": started.token };
    await hub.call("POST", `${at}/nonce`, { as: hub.owner, body: { nonce: "0".repeat(64) } });
    await hub.call("POST", `${at}/reveal`, { headers, body: reveal });
    const { bundle } = hub.owner;
    const admitted = {
      ...{ person: bundle.person, role: "owner" as const },
      device: deviceRecord(fromBase64(reveal.signingKey, "key"), reveal.label, {
        transfer: reveal.transferRecipient,
      }),
    };
    const signed = (by: DeviceBundle) =>
      signAdmission(envelopeSigner(signingKeyOf(by)), keyringOf(hub), admitted, hub.clock.nowMs);
    const statement = await signed(bundle);
    const seen = {
      ...{ v: 1 as const, size: 1, root: "0".repeat(64), checkpoint: "x", epoch: 0 },
      keyringHead: "0".repeat(64),
    };
    const sealed = await passOn(bundle, { reveal, person: bundle.person, role: "owner" }, seen);
    const admit = await hub.call("POST", `${at}/admit`, {
      ...{ as: hub.owner, body: { statement, sealed } },
    });
    expect(admit.statusCode).toBe(204);
    const state = async () =>
      (await hub.call("GET", at, { headers })).json<{ sealed: string | null }>();
    expect((await state()).sealed).toBeNull();
    const [proposal] = await proposals(partner);
    const url = `/api/keyring/proposals/${proposal?.proposal ?? ""}`;
    expect(await post(url, { statement: await signed(partner.bundle) }, partner)).toBe("accepted");
    expect((await state()).sealed).toBe(sealed);
    expect(roleOfDevice(keyringOf(hub), newcomer.signingKey.device)).toBe("owner");
    expect(hub.hub.services.household.labelOf(newcomer.signingKey.device)).toBe("phone");
  });
});

describe("a new sheet", () => {
  async function sheet(proof: (file: string, identity: string) => Promise<string>) {
    const { recipient: recovery, identity } = await generateReader("x25519");
    const recoveryKey = toBase64(generateSigningKey().publicKey);
    const tested = await hub.call("POST", "/api/keyring/sheet-test", {
      ...{ as: hub.owner, body: { recovery } },
    });
    const { file } = tested.json<{ file: string }>();
    const statement = await signAt(hub, { kind: "sheet", recovery, recoveryKey }, [hub.owner.key]);
    return { body: { statement, passedOn: [], proof: await proof(file, identity) }, recovery };
  }

  test("is accepted once it has opened what the hub seals, and not before", async () => {
    const wrong = await sheet(async () => "0".repeat(64));
    expect(await post("/api/keyring", wrong.body)).toBe("CLAIM_UNPROVEN");
    const { proof: _none, ...unproven } = wrong.body;
    expect(await post("/api/keyring", unproven)).toBe("CLAIM_UNPROVEN");
    const tried = await sheet(async (file, identity) =>
      sha256Hex(await openSealedFile(fromBase64(file, "file"), [identity], null)),
    );
    expect(await post("/api/keyring", tried.body)).toBe("accepted");
    expect(keyringOf(hub).readers.recovery).toBe(tried.recovery);
  });
});

test("an admission is not handed in as a change: a device comes in by a pairing", async () => {
  const { publicKey } = generateSigningKey();
  const device = deviceRecord(publicKey, newLabel("x"));
  const change = { kind: "admit", person: "0".repeat(32), role: "owner", device } as const;
  const statement = await signAt(hub, change, [hub.owner.key]);
  expect(await post("/api/keyring", { statement, passedOn: [] })).toBe("KEYRING_INVALID_CHANGE");
});
