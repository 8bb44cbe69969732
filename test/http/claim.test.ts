import { describe, expect, test } from "vitest";
import { createClaimDesk } from "../../src/http/claim.ts";
import { foundHousehold, signLogin } from "../../src/owner/household.ts";
import {
  envelopeSigner,
  generateReader,
  generateSigningKey,
  signingKeyFromSeed,
} from "../../src/owner/identity.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import type { HubInfo } from "../../src/protocol/api.ts";
import { fromBase64, sha256Hex, toBase64 } from "../../src/protocol/bytes.ts";
import { originOf } from "../../src/protocol/cosigner.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { PAYLOAD_TYPES, signEnvelope } from "../../src/protocol/envelope.ts";
import { verifyKeyring } from "../../src/protocol/keyring.ts";
import { signByAll } from "../support/test-household.ts";
import { claimHub, requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";

/** A household ready to be founded on `hub`, its proof of restore included. */
async function readyClaim(hub: TestHub, ledgerKey?: Uint8Array) {
  const info = (await hub.call("GET", "/api/hub")).json<HubInfo>();
  const household = await foundHousehold(ledgerKey ? { ...info, ...ofKey(ledgerKey) } : info, {
    kind: "x25519",
    label: "founder",
    nowMs: hub.clock.nowMs,
  });
  const { code } = hub.hub.services.claimDesk;
  const { readers } = verifyKeyring([household.statement]);
  const { originals, recovery } = readers;
  const sealed = requireOk(
    await hub.call("POST", "/api/claim/test", { body: { code, originals, recovery } }),
  ).json<{ file: string }>();
  const open = (identity: string) =>
    openSealedFile(fromBase64(sealed.file, "file"), [identity], null);
  const proof = sha256Hex(await open(household.recovery.reader.identity));
  const { statement, label } = household;
  return { household, open, readers, body: { code, statement, label, proof } };
}

const ofKey = (ledgerKey: Uint8Array) => ({
  origin: originOf(ledgerKey),
  ledgerKey: toBase64(ledgerKey),
});

const claim = (hub: TestHub, body: unknown) => hub.call("POST", "/api/claim", { body });
const codeOf = (answer: { json: () => unknown }): string =>
  (answer.json() as { code: string }).code;

describe("a claim", () => {
  test("founds the household once; the second is gone, with the right code too", async () => {
    await using hub = await startTestHub({ claimed: false });
    const { body } = await readyClaim(hub);
    expect((await claim(hub, body)).statusCode).toBe(200);
    const again = await claim(hub, body);
    expect([again.statusCode, codeOf(again)]).toEqual([410, "CLAIM_GONE"]);
    const { code } = body;
    const { recipient } = await generateReader("x25519");
    const test = { code, originals: recipient, recovery: recipient };
    expect((await hub.call("POST", "/api/claim/test", { body: test })).statusCode).toBe(410);
    expect((await hub.call("GET", "/api/hub")).json()).toMatchObject({ claimed: true });
  });

  test("needs the code of the console, in any spelling that a person would use", async () => {
    await using hub = await startTestHub({ claimed: false });
    const { body } = await readyClaim(hub);
    for (const code of ["AAAA-AAAA-AAAA", body.code.slice(1), `${body.code}A`, "-", " "]) {
      const refused = await claim(hub, { ...body, code });
      expect([refused.statusCode, codeOf(refused)], code).toEqual([403, "CLAIM_CODE_WRONG"]);
    }
    const spoken = body.code.toLowerCase().replaceAll("-", " ");
    expect((await claim(hub, { ...body, code: spoken })).statusCode).toBe(200);
  });

  test("stays open for its founder, however many codes others try", async () => {
    await using hub = await startTestHub({ claimed: false });
    const { body } = await readyClaim(hub);
    for (let count = 0; count < 500; count += 1) await claim(hub, { ...body, code: "WRONG" });
    expect((await claim(hub, body)).statusCode).toBe(200);
  });

  test("takes ten codes a minute of one address, twenty a second of all, and the hub's own apart", () => {
    let nowMs = 0;
    const desk = createClaimDesk(() => nowMs);
    const tried = (address: string, code = "WRONG"): string => {
      try {
        desk.requireCode(code, address);
        return "right";
      } catch (error) {
        return error instanceof HubError ? error.code : "?";
      }
    };
    const wrong = (count: number, address: (index: number) => string): number =>
      Array.from({ length: count }, (_, index) => tried(address(index))).filter(
        (code) => code === "CLAIM_CODE_WRONG",
      ).length;
    expect(wrong(100, () => "192.168.1.9")).toBe(10);
    expect(tried("192.168.1.9", desk.code)).toBe("TOO_MANY_CALLS");
    expect(tried("192.168.1.10", desk.code)).toBe("right");
    nowMs += 60_000;
    expect(tried("192.168.1.9", desk.code)).toBe("right");
    expect(wrong(1_000, (index) => `fd00::${index}`)).toBe(39);
    expect(tried("192.168.1.10", desk.code)).toBe("TOO_MANY_CALLS");
    expect(tried("127.0.0.1", desk.code)).toBe("right");
    nowMs += 1_000;
    expect(tried("192.168.1.10", desk.code)).toBe("right");
  });

  test("needs the proof that the recovery sheet opened what this hub has sealed", async () => {
    await using hub = await startTestHub({ claimed: false });
    const { body } = await readyClaim(hub);
    const other = await readyClaim(hub);
    for (const wrong of [
      { ...body, proof: "0".repeat(64) },
      // Of another household's test: its proof does not stand for these readers.
      { ...body, proof: other.body.proof },
      body,
    ]) {
      const refused = await claim(hub, wrong);
      expect([refused.statusCode, codeOf(refused)]).toEqual([409, "CLAIM_UNPROVEN"]);
    }
    expect((await claim(hub, other.body)).statusCode).toBe(200);
  });

  test("the test file opens for the recovery sheet and the founder, and for nobody else", async () => {
    await using hub = await startTestHub({ claimed: false });
    const { household, open } = await readyClaim(hub);
    const { recovery, bundle } = household;
    expect(await open(recovery.reader.identity)).toHaveLength(1_024);
    expect(await open(bundle.readers.originals ?? "")).toHaveLength(1_024);
    for (const other of [bundle.readers.blurred, bundle.readers.owners])
      await expect(open(other ?? "")).rejects.toMatchObject({ code: "NO_READER" });
  });

  test("is refused for the ledger of another hub, or when the device's name is not the signed one", async () => {
    await using hub = await startTestHub({ claimed: false });
    const foreign = await readyClaim(hub, generateSigningKey().publicKey);
    expect(codeOf(await claim(hub, foreign.body))).toBe("FOREIGN_HOUSEHOLD");
    const { body } = await readyClaim(hub);
    const renamed = { ...body, label: { ...body.label, label: "somebody else" } };
    expect(codeOf(await claim(hub, renamed))).toBe("LABEL_MISMATCH");
    expect(hub.ledgerKinds()).toEqual([]);
    expect((await claim(hub, body)).statusCode).toBe(200);
    expect(hub.ledgerKinds().slice(0, 2)).toEqual(["genesis", "keyring"]);
  });

  test("before it, nothing else is answered: no session, no pairing, no form", async () => {
    await using hub = await startTestHub({ claimed: false });
    const pairing = await hub.call("POST", "/api/pairings", {
      body: { commitment: "0".repeat(64) },
    });
    expect(codeOf(pairing)).toBe("NOT_CLAIMED");
    expect((await hub.call("GET", "/api/clips")).statusCode).toBe(401);
    expect(hub.ledgerKinds()).toEqual([]);
  });

  test("after it, no name of a person or device is in what a stranger may read", async () => {
    await using hub = await startTestHub({ claimed: false });
    await claimHub(hub.call, hub.hub.services.claimDesk.code, {
      kind: "x25519",
      nowMs: hub.clock.nowMs,
    });
    for (const url of ["/", "/api/hub", "/api/openapi.json"])
      expect((await hub.call("GET", url)).body).not.toContain("founder");
  });
});

describe("a log-in", () => {
  const challengeFor = async (hub: TestHub, device: string): Promise<string> =>
    (await hub.call("POST", "/api/session/challenge", { body: { device } })).json<{
      challenge: string;
    }>().challenge;
  const send = async (hub: TestHub, login: unknown): Promise<number> =>
    (await hub.call("POST", "/api/session", { body: { login } })).statusCode;

  test("is good once, for one minute, for the device that asked", async () => {
    await using hub = await startTestHub();
    const { bundle, key } = hub.owner;
    const login = await signLogin(bundle, await challengeFor(hub, key.device));
    expect(await send(hub, login)).toBe(200);
    expect(await send(hub, login)).toBe(401);
    const late = await signLogin(bundle, await challengeFor(hub, key.device));
    hub.clock.nowMs += 60_001;
    hub.clock.ranMs += 60_001;
    expect(await send(hub, late)).toBe(401);
    const others = await signLogin(bundle, await challengeFor(hub, "0".repeat(64)));
    expect(await send(hub, others)).toBe(401);
    expect(await send(hub, await signLogin(bundle, "0".repeat(64)))).toBe(401);
  });

  test("made for another hub is refused, so that no server can pass a log-in on", async () => {
    await using hub = await startTestHub();
    const challenge = await challengeFor(hub, hub.owner.key.device);
    const login = await signLogin({ ...hub.owner.bundle, origin: "doorward/else" }, challenge);
    expect(await send(hub, login)).toBe(401);
  });

  test("signed by another key, by two, or as another kind of statement is refused", async () => {
    await using hub = await startTestHub();
    const { bundle, key } = hub.owner;
    const stranger = envelopeSigner(signingKeyFromSeed(new Uint8Array(32).fill(1)));
    const statement = async () => ({
      v: 1,
      origin: bundle.origin,
      device: key.device,
      challenge: await challengeFor(hub, key.device),
    });
    const { login, keyring } = PAYLOAD_TYPES;
    const own = envelopeSigner(key);
    const posing = { ...stranger, device: key.device };
    expect(await send(hub, await signEnvelope(login, await statement(), posing))).toBe(401);
    expect(await send(hub, await signEnvelope(login, await statement(), stranger))).toBe(401);
    expect(await send(hub, await signByAll(login, await statement(), [own, stranger]))).toBe(401);
    expect(await send(hub, await signEnvelope(keyring, await statement(), own))).toBe(422);
    expect(await send(hub, await signEnvelope(login, await statement(), own))).toBe(200);
  });
});

test("what the claim writes into the ledger names nobody", async () => {
  await using hub = await startTestHub();
  const entries = hub.hub.services.ledger.entries().map(({ entry }) => JSON.stringify(entry));
  expect(entries.join()).not.toMatch(/founder|person/);
});
