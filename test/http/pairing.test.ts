import { describe, expect, test } from "vitest";
import { deviceRecord, randomHex, signingKeyOf } from "../../src/owner/device-bundle.ts";
import { signAdmission } from "../../src/owner/household.ts";
import { envelopeSigner } from "../../src/owner/identity.ts";
import { passOn, receivePassedOn, startPairing, type Newcomer } from "../../src/owner/pairing.ts";
import type { Seen } from "../../src/owner/witness.ts";
import { fromBase64 } from "../../src/protocol/bytes.ts";
import { requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";

interface Started {
  readonly pairing: string;
  readonly token: string;
}

const seen: Seen = {
  v: 1,
  size: 1,
  root: "a".repeat(64),
  checkpoint: "a note",
  epoch: 0,
  keyringHead: "b".repeat(64),
};

async function begin(hub: TestHub, newcomer: Newcomer): Promise<Started> {
  const body = { commitment: newcomer.commitment };
  return requireOk(await hub.call("POST", "/api/pairings", { body })).json();
}

const asNewcomer = (started: Started) => ({ headers: { "x-doorward-pairing": started.token } });

async function statusAfter(
  hub: TestHub,
  started: Started,
  step: "nonce" | "reveal" | "admit",
  body: unknown,
): Promise<number> {
  const options = step === "reveal" ? asNewcomer(started) : { as: hub.owner };
  const url = `/api/pairings/${started.pairing}/${step}`;
  return (await hub.call("POST", url, { ...options, body })).statusCode;
}

async function admission(hub: TestHub, newcomer: Newcomer) {
  const { keyring } = hub.hub.services.household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  const { reveal } = newcomer;
  const { bundle } = hub.owner;
  const { person } = bundle;
  const device = deviceRecord(fromBase64(reveal.signingKey, "key"), reveal.label);
  const admitted = { person, role: "owner", device } as const;
  const statement = await signAdmission(
    envelopeSigner(signingKeyOf(bundle)),
    keyring,
    admitted,
    hub.clock.nowMs,
  );
  return { statement, sealed: await passOn(bundle, { reveal, person, role: "owner" }, seen) };
}

describe("a pairing", () => {
  test("admits the device, hands the sealed readers out once and forgets them", async () => {
    await using hub = await startTestHub();
    const newcomer = await startPairing("phone");
    const started = await begin(hub, newcomer);
    expect(await statusAfter(hub, started, "nonce", { nonce: randomHex(32) })).toBe(204);
    expect(await statusAfter(hub, started, "reveal", newcomer.reveal)).toBe(204);
    const body = await admission(hub, newcomer);
    expect(await statusAfter(hub, started, "admit", body)).toBe(204);
    const url = `/api/pairings/${started.pairing}`;
    const answer = requireOk(await hub.call("GET", url, asNewcomer(started)));
    const { bundle } = await receivePassedOn(newcomer, answer.json<{ sealed: string }>().sealed);
    expect((await hub.logIn(bundle)).token).toMatch(/^[0-9a-f]{64}$/);
    expect((await hub.call("GET", url, asNewcomer(started))).statusCode).toBe(404);
  });

  test("lets neither side change what it has fixed", async () => {
    await using hub = await startTestHub();
    const [newcomer, other] = [await startPairing("phone"), await startPairing("phone")];
    const started = await begin(hub, newcomer);
    // Shown before the owner's nonce, the key could have been chosen for its words.
    expect(await statusAfter(hub, started, "reveal", newcomer.reveal)).toBe(409);
    expect(await statusAfter(hub, started, "nonce", { nonce: randomHex(32) })).toBe(204);
    expect(await statusAfter(hub, started, "nonce", { nonce: randomHex(32) })).toBe(409);
    expect(await statusAfter(hub, started, "reveal", other.reveal)).toBe(409);
    expect(await statusAfter(hub, started, "admit", await admission(hub, newcomer))).toBe(409);
    expect(await statusAfter(hub, started, "reveal", newcomer.reveal)).toBe(204);
    expect(await statusAfter(hub, started, "reveal", newcomer.reveal)).toBe(409);
  });

  test("is not admitted by the hub, by a stranger, or under another name than was shown", async () => {
    await using hub = await startTestHub();
    const [newcomer, other] = [await startPairing("phone"), await startPairing("tablet")];
    const started = await begin(hub, newcomer);
    await statusAfter(hub, started, "nonce", { nonce: randomHex(32) });
    await statusAfter(hub, started, "reveal", newcomer.reveal);
    const good = await admission(hub, newcomer);
    const [signature] = good.statement.signatures;
    const forged = {
      ...good.statement,
      signatures: [{ ...signature, sig: "A".repeat(86) + "==" }],
    };
    expect(await statusAfter(hub, started, "admit", { ...good, statement: forged })).toBe(422);
    expect(await statusAfter(hub, started, "admit", await admission(hub, other))).toBe(422);
    expect(hub.hub.services.household.keyring?.devices.size).toBe(1);
  });

  test("ends after ten minutes, and is nobody's without its token", async () => {
    await using hub = await startTestHub();
    const newcomer = await startPairing("phone");
    const started = await begin(hub, newcomer);
    const url = `/api/pairings/${started.pairing}`;
    const wrong = { headers: { "x-doorward-pairing": "0".repeat(64) } };
    expect((await hub.call("GET", url, wrong)).statusCode).toBe(404);
    expect((await hub.call("GET", url)).statusCode).toBe(422);
    hub.clock.nowMs += 600_000;
    hub.clock.ranMs += 600_000;
    expect((await hub.call("GET", url, asNewcomer(started))).statusCode).toBe(404);
    expect((await hub.call("GET", "/api/pairings", { as: hub.owner })).json()).toEqual([]);
  });

  test("has room for ten at a time", async () => {
    await using hub = await startTestHub();
    const body = { commitment: "0".repeat(64) };
    const statuses: number[] = [];
    for (let count = 0; count < 11; count += 1)
      statuses.push((await hub.call("POST", "/api/pairings", { body })).statusCode);
    expect(statuses).toEqual([...Array(10).fill(200), 429]);
  });
});
