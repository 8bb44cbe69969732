import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  clipIdentities,
  newLabel,
  randomHex,
  readersForRole,
  signingKeyOf,
  transferKeyOf,
  type DeviceBundle,
} from "../../src/owner/device-bundle.ts";
import { follow, HubClient, logIn } from "../../src/owner/hub-client.ts";
import { envelopeSigner, generateSigningKey } from "../../src/owner/identity.ts";
import {
  changePolicy,
  cosignProposal,
  makeSheet,
  objectToRecovery,
  putSheetInForce,
  readProposal,
  removeDevice,
  type ChangeGround,
} from "../../src/owner/keyring-changes.ts";
import { pairingText, parsePairingText, requirePlace } from "../../src/owner/pairing-text.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import {
  finishRecovery,
  handInNotice,
  meetHub,
  pendingReaders,
  prepareNotice,
} from "../../src/owner/recover.ts";
import { parseRecoverySheet, type Recovery } from "../../src/owner/recovery.ts";
import { sealReaders, takePassedOn } from "../../src/owner/rotate.ts";
import { KeyringProposalList, PassedOnAnswer } from "../../src/protocol/api-keyring.ts";
import { toBase64, utf8Bytes, sha256Hex } from "../../src/protocol/bytes.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { parseSha256Hex, type ClipId } from "../../src/protocol/ids.ts";
import { roleOfDevice, type Role } from "../../src/protocol/keyring.ts";
import { RECOVERY_NOTICE_MS } from "../../src/protocol/limits.ts";
import { signStatement, statementAfter } from "../support/test-household.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";
import { keyringOf } from "../support/test-recovery.ts";

let hub: TestHub;
let sheet: Recovery;
beforeEach(async () => {
  hub = await startTestHub({ clips: 1, nowMs: Date.now() });
  if (!hub.recovery) throw new Error("no sheet");
  sheet = hub.recovery;
});
afterEach(async () => {
  vi.useRealTimers();
  await hub[Symbol.asyncDispose]();
});

/** Sends all clocks on at once: hub's, device's, and what the hub has run. */
function pass(ms: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
  hub.clock.nowMs = Date.now();
  hub.clock.ranMs += ms;
}

async function groundOf(bundle: DeviceBundle): Promise<ChangeGround> {
  const client = await logIn(hub.hub.url, bundle);
  const { keyring } = await follow(client, bundle, null);
  return { client, keyring, signer: envelopeSigner(signingKeyOf(bundle)) };
}

/** What a device does at every contact. */
async function contact(bundle: DeviceBundle): Promise<DeviceBundle> {
  const { client, keyring } = await groundOf(bundle);
  const taken = await takePassedOn(client, bundle, keyring);
  for (const epoch of taken?.epochs ?? []) await client.delete(`/api/passed-on/${epoch}`);
  return taken?.bundle ?? bundle;
}

async function opens(bundle: DeviceBundle, clip: ClipId): Promise<boolean> {
  const [file] = hub.hub.services.clips.files(clip);
  if (!file) throw new Error("an empty clip");
  const sealed = new Uint8Array(readFileSync(hub.hub.services.clips.pathOf(clip, file)));
  return openSealedFile(sealed, clipIdentities(bundle), file.payloadSha256).then(
    () => true,
    () => false,
  );
}

/** As {@link TestHub.admit}, by several owners. */
async function admitBy(signers: readonly DeviceBundle[], role: Role): Promise<DeviceBundle> {
  const key = generateSigningKey();
  const label = newLabel("one more");
  const device = {
    signingKey: toBase64(key.publicKey),
    labelSha256: sha256Hex(utf8Bytes(`${label.salt} ${label.label}`)),
    transfer: (await transferKeyOf(key)).recipient,
  };
  const person = randomHex(16);
  const statement = await signStatement(
    statementAfter(keyringOf(hub), { kind: "admit", person, role, device }),
    signers.map(signingKeyOf),
  );
  hub.hub.services.household.accept(statement, label);
  const readers = readersForRole(hub.owner.bundle.readers, role);
  return { ...hub.owner.bundle, person, role, readers, signingSeed: toBase64(key.secret) };
}

const first = (): ClipId => {
  const [clip] = hub.clips;
  if (clip === undefined) throw new Error("no clip");
  return clip;
};

describe("a removed device", () => {
  test("opens nothing that is recorded from then on; all others do, and what was before", async () => {
    const [phone, adult, viewer] = [
      await hub.admit("owner"),
      await hub.admit("adult"),
      await hub.admit("viewer"),
    ];
    const before = first();
    const ground = await groundOf(hub.owner.bundle);
    expect((await removeDevice(ground, phone.key.device)).state).toBe("accepted");
    const after = await hub.record();
    const held = [await contact(hub.owner.bundle), await contact(adult.bundle)];
    for (const bundle of held)
      expect([await opens(bundle, before), await opens(bundle, after)]).toEqual([true, true]);
    expect([await opens(phone.bundle, before), await opens(phone.bundle, after)]).toEqual([
      ...[true, false],
    ]);
    // Of an adult's device no role makes an owner's: it was never given the owners' reader.
    expect(held.map(({ readers }) => Object.keys(readers).toSorted())).toEqual([
      ["blurred", "originals", "owners"],
      ["blurred", "originals"],
    ]);
    const blurredOnly = await contact(viewer.bundle);
    expect(Object.keys(blurredOnly.readers)).toEqual(["blurred"]);
    expect(await opens(blurredOnly, after)).toBe(false);
    // Fetched once: then nothing waits, and nothing changes.
    expect(await contact(held[0] ?? phone.bundle)).toEqual(held[0]);
    await expect(logIn(hub.hub.url, phone.bundle)).rejects.toThrow(/not accepted/);
  });

  test("and what a hub passes on of its own is not taken", async () => {
    const { readers } = await hub.admit("adult").then(({ bundle }) => bundle);
    const { client, keyring } = await groundOf(hub.owner.bundle);
    const { recipient: transfer } = await transferKeyOf(hub.owner.key);
    const holder = { device: hub.owner.key.device, role: "owner" as const, transfer };
    const swapped = { originals: readers.blurred ?? "", blurred: readers.originals ?? "" };
    const forged = await sealReaders(swapped, holder);
    hub.hub.services.household.passedOn.add(1, [forged]);
    const taken = await takePassedOn(client, hub.owner.bundle, keyring);
    expect(taken).toEqual({ bundle: hub.owner.bundle, epochs: [], refused: 1 });
  });
});

describe("by the recovery sheet", () => {
  test("a new phone opens everything at once, and signs when 72 hours have passed", async () => {
    const adult = await hub.admit("adult");
    const ground = await meetHub(new HubClient(hub.hub.url), sheet);
    expect(ground.labels.get(hub.owner.key.device)).toBe("founder");
    const notice = await prepareNotice(ground, {
      ...{ person: hub.owner.bundle.person, label: "new phone" },
      remove: [hub.owner.key.device],
    });
    if (!notice.bundle) throw new Error("no device");
    await handInNotice(ground, notice);
    const waiting = await contact(notice.bundle);
    // Nothing is in force yet, so nothing is taken: the sheet's own reader opens.
    expect(waiting.readers).toEqual({});
    expect(await opens(waiting, first())).toBe(true);
    expect(await opens(waiting, await hub.record())).toBe(true);
    const early = await groundOf(waiting);
    expect(roleOfDevice(early.keyring, signingKeyOf(waiting).device)).toBe("adult");
    await expect(objectToRecovery(early)).rejects.toThrow(/no owner in force/);
    const late = await admitBy([hub.owner.bundle], "adult");
    pass(RECOVERY_NOTICE_MS);
    const finishing = await meetHub(new HubClient(hub.hub.url), sheet);
    expect(finishing.ranMs).toBeGreaterThanOrEqual(RECOVERY_NOTICE_MS);
    const { client, keyring } = await groundOf(waiting);
    const queue = await client.get("/api/passed-on", PassedOnAnswer);
    const held = await pendingReaders(keyring, waiting, queue);
    await finishRecovery(finishing, held && { held });
    const phone = await contact(waiting);
    expect(phone.readers).toEqual(held);
    const after = await hub.record();
    // Also a device that came in while the notice stood was not forgotten.
    for (const bundle of [phone, await contact(adult.bundle), await contact(late)])
      expect(await opens(bundle, after)).toBe(true);
    expect(await opens(hub.owner.bundle, after)).toBe(false);
    await expect(logIn(hub.hub.url, hub.owner.bundle)).rejects.toThrow(/not accepted/);
    const policy = { exportSigners: 1, keyringSigners: 1, vetoWindowMs: 60_000 };
    expect((await changePolicy(await groundOf(phone), policy)).state).toBe("accepted");
  });

  test("a household goes on without a co-owner who left", async () => {
    const left = await hub.admit("owner");
    const two = { exportSigners: 2, keyringSigners: 2, vetoWindowMs: 0 };
    await hub.change({ kind: "policy", policy: two });
    const ground = await meetHub(new HubClient(hub.hub.url), sheet);
    const notice = await prepareNotice(ground, {
      ...{ person: null, label: "", remove: [left.key.device] },
    });
    expect(notice.bundle).toBeNull();
    await handInNotice(ground, notice);
    pass(RECOVERY_NOTICE_MS);
    await finishRecovery(await meetHub(new HubClient(hub.hub.url), sheet), null);
    const owner = await contact(hub.owner.bundle);
    const clip = await hub.record();
    expect([await opens(owner, clip), await opens(left.bundle, clip)]).toEqual([true, false]);
    // As few signers as there are owners left, unless somebody says otherwise.
    expect(keyringOf(hub).policy).toEqual({ exportSigners: 1, keyringSigners: 1, vetoWindowMs: 0 });
  });

  test("nothing comes of it when an owner objects, and a new sheet makes the old one worthless", async () => {
    const ground = await meetHub(new HubClient(hub.hub.url), sheet);
    const { person } = hub.owner.bundle;
    const wanted = { person, label: "found it", remove: [hub.owner.key.device] };
    const notice = await prepareNotice(ground, wanted);
    if (!notice.bundle) throw new Error("no device");
    await handInNotice(ground, notice);
    expect((await objectToRecovery(await groundOf(hub.owner.bundle))).state).toBe("accepted");
    await expect(logIn(hub.hub.url, notice.bundle)).rejects.toThrow(/not accepted/);
    const text = await makeSheet("x25519");
    const next = await parseRecoverySheet(text);
    expect((await putSheetInForce(await groundOf(hub.owner.bundle), text)).state).toBe("accepted");
    await expect(meetHub(new HubClient(hub.hub.url), sheet)).rejects.toMatchObject({
      code: "SHEET_NOT_IN_FORCE",
    });
    expect((await meetHub(new HubClient(hub.hub.url), next)).keyring.epoch).toBe(3);
    const clip = await hub.record();
    const byOld = { ...hub.owner.bundle, readers: {}, recovery: sheet.reader.identity };
    const byNew = { ...byOld, recovery: next.reader.identity };
    expect([await opens(byOld, clip), await opens(byNew, clip)]).toEqual([false, true]);
    expect(await opens(byOld, first())).toBe(true);
  });
});

test("a newcomer holds what came by the hub against the owner's screen", async () => {
  const { client } = await groundOf(hub.owner.bundle);
  const { seen } = await follow(client, hub.owner.bundle, null);
  const place = parsePairingText(pairingText(hub.owner.bundle, seen));
  await hub.record();
  const checked = (shown: typeof place) =>
    requirePlace(client, hub.owner.bundle, seen, shown).then(
      () => "as shown",
      (error: unknown) => (error instanceof HubError ? error.code : error),
    );
  expect(await checked(place)).toBe("as shown");
  const other = parseSha256Hex("0".repeat(64));
  expect(await checked({ ...place, genesis: other })).toBe("PAIRING_BROKEN");
  expect(await checked({ ...place, root: other })).toBe("LEDGER_CHANGED");
  expect(await checked({ ...place, size: place.size + 100 })).toBe("LEDGER_CHANGED");
  const text = pairingText(hub.owner.bundle, seen);
  for (const wrong of ["", text.slice(1), `${text}0`, text.replace(":1:", ":2:")])
    expect(() => parsePairingText(wrong), wrong).toThrow(/owner's screen/);
});

describe("two owners", () => {
  test("remove a third together, and none signs himself out", async () => {
    const [partner, third] = [await hub.admit("owner"), await hub.admit("owner")];
    const two = { exportSigners: 1, keyringSigners: 2, vetoWindowMs: 0 };
    await hub.change({ kind: "policy", policy: two });
    const proposed = await removeDevice(await groundOf(hub.owner.bundle), third.key.device);
    expect(proposed).toMatchObject({ state: "proposed", signers: 1, needed: 2 });
    const ground = await groundOf(partner.bundle);
    const list = async () => {
      const [proposal] = await ground.client.get("/api/keyring/proposals", KeyringProposalList);
      if (!proposal) throw new Error("nothing is proposed");
      return proposal;
    };
    const proposal = await list();
    // What would reach him is not what the statement names.
    for (const sealed of [null, "AAAA"])
      await expect(
        cosignProposal(ground, partner.bundle, { ...proposal, sealed }),
      ).rejects.toMatchObject({ code: "READERS_NOT_NAMED" });
    // Whom it removes is passed nothing: he sees it all the same, and the others beside it.
    expect(readProposal(ground.keyring, { ...proposal })).toMatchObject({
      change: { kind: "remove", device: third.key.device },
      signers: [hub.owner.bundle.person],
      needed: 2,
    });
    // A hub that shows one change and, by its id, has another signed that an owner has signed, too.
    const { statement } = proposal;
    await changePolicy(await groundOf(hub.owner.bundle), { ...two, keyringSigners: 1 });
    const swapped = (await ground.client.get("/api/keyring/proposals", KeyringProposalList)).map(
      (one) => ({ ...one, proposal: proposal.proposal }),
    );
    const other = swapped.find((one) => one.statement.payload !== statement.payload);
    if (!other) throw new Error("nothing else is proposed");
    await expect(cosignProposal(ground, partner.bundle, other)).rejects.toMatchObject({
      code: "PROPOSAL_ALTERED",
    });
    const signed = await cosignProposal(ground, partner.bundle, proposal);
    expect(signed.state).toBe("accepted");
    const clip = await hub.record();
    const [mine, his] = [await contact(hub.owner.bundle), await contact(partner.bundle)];
    expect([await opens(mine, clip), await opens(his, clip)]).toEqual([true, true]);
    expect(await opens(third.bundle, clip)).toBe(false);
  });
});
