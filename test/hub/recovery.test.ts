import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { generateReader } from "../../src/owner/identity.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import { roleOfDevice } from "../../src/protocol/keyring.ts";
import { RECOVERY_NOTICE_MS } from "../../src/protocol/limits.ts";
import { newDevice } from "../support/test-household.ts";
import { startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
import {
  completion,
  keyringOf,
  notice,
  objection,
  openRecoveryAnswer,
  sheetOf,
  signAt,
} from "../support/test-recovery.ts";

const HOUR_MS = 3_600_000;

let hub: TestHub;
beforeEach(async () => {
  hub = await startTestHub({ clips: 1 });
});
afterEach(() => hub[Symbol.asyncDispose]());

async function codeOf(method: "POST" | "GET", url: string, body?: unknown, as?: TestDevice) {
  const answer = await hub.call(method, url, {
    ...(as ? { as } : {}),
    ...(body === undefined ? {} : { body }),
  });
  return answer.statusCode < 300 ? answer.statusCode : answer.json<{ code: string }>().code;
}

const recover = (body: unknown) => codeOf("POST", "/api/recoveries", body);

/** As the wall clock and the hub's own count go on together. */
function pass(ms: number): void {
  hub.clock.nowMs += ms;
  hub.clock.ranMs += ms;
}

/** The announced device, logged in. */
function device(announced: Awaited<ReturnType<typeof notice>>): Promise<TestDevice> {
  const { key, label } = announced;
  return hub.logIn({
    ...hub.owner.bundle,
    label: label.label,
    readers: {},
    signingSeed: toBase64(key.secret),
  });
}

describe("a phone that is lost", () => {
  test("is followed by another one: it looks at once, and signs after 72 hours", async () => {
    const announced = await notice(hub);
    expect(await recover(announced.body)).toBe(204);
    const phone = await device(announced);
    expect(await codeOf("GET", "/api/clips", undefined, phone)).toBe(200);
    expect(await codeOf("GET", "/api/requests", undefined, phone)).toBe("NOT_ALLOWED");
    const session = await hub.call("GET", "/api/session", { as: phone });
    expect(session.json()).toMatchObject({
      role: "adult",
      label: "another device",
      rights: ["view_originals", "view_blurred", "live"],
    });
    pass(71 * HOUR_MS);
    expect(await recover(await completion(hub))).toBe("KEYRING_INVALID_CHANGE");
    pass(HOUR_MS);
    expect(await recover(await completion(hub))).toBe(204);
    expect(roleOfDevice(keyringOf(hub), announced.key.device)).toBe("owner");
    expect(keyringOf(hub).readers).toEqual(announced.readers);
    const later = await device(announced);
    expect(await codeOf("GET", "/api/requests", undefined, later)).toBe(200);
    await expect(hub.logIn(hub.owner.bundle)).rejects.toThrow(/LOGIN_REFUSED/);
    expect(
      hub.hub.services.ledger.entries({ kind: "keyring" }).map(({ entry }) => entry),
    ).toMatchObject([
      { change: "genesis" },
      { change: "recovery_notice", atMs: hub.clock.nowMs - RECOVERY_NOTICE_MS },
      { change: "recovery_complete", atMs: hub.clock.nowMs },
    ]);
  });

  test("is found again: its owner objects, and whoever had the sheet is out at once", async () => {
    const announced = await notice(hub);
    await recover(announced.body);
    const phone = await device(announced);
    expect(hub.hub.services.household.passedOn.of(announced.key.device)).toHaveLength(1);
    const listed = async () =>
      (await hub.call("GET", "/api/devices", { as: hub.owner })).json<{ pending?: boolean }[]>();
    expect(await listed()).toHaveLength(2);
    expect((await listed()).filter(({ pending }) => pending === true)).toMatchObject([
      { device: announced.key.device, label: "another device", role: "adult", removed: false },
    ]);
    const health = (await hub.call("GET", "/api/health", { as: hub.owner })).json<{
      warnings: { code: string }[];
    }>();
    expect(health.warnings[0]?.code).toBe("RECOVERY_PENDING");
    expect(await codeOf("POST", "/api/keyring", await objection(hub, hub.owner), hub.owner)).toBe(
      200,
    );
    expect(await codeOf("GET", "/api/clips", undefined, phone)).toBe("NOT_LOGGED_IN");
    await expect(device(announced)).rejects.toThrow(/LOGIN_REFUSED/);
    expect(await listed()).toHaveLength(1);
    pass(RECOVERY_NOTICE_MS);
    expect(await recover(await completion(hub))).toBe("KEYRING_INVALID_CHANGE");
    // Nothing of it is kept: neither its name nor what was sealed to it.
    expect(hub.hub.services.household.passedOn.of(announced.key.device)).toEqual([]);
    expect(hub.hub.services.household.labelOf(announced.key.device)).toBeNull();
  });
});

describe("72 hours", () => {
  test("are those that the hub has run, not those that a clock jumps", async () => {
    await recover((await notice(hub)).body);
    hub.clock.nowMs += RECOVERY_NOTICE_MS;
    expect(await recover(await completion(hub))).toBe("RECOVERY_TOO_EARLY");
    hub.clock.ranMs += RECOVERY_NOTICE_MS - 1;
    expect(await recover(await completion(hub))).toBe("RECOVERY_TOO_EARLY");
    const owner = await hub.logIn(hub.owner.bundle);
    const state = await hub.call("GET", "/api/recovery", { as: owner });
    expect(state.json()).toMatchObject({
      pending: { ranMs: RECOVERY_NOTICE_MS - 1, neededMs: RECOVERY_NOTICE_MS },
    });
    hub.clock.ranMs += 1;
    expect(await recover(await completion(hub))).toBe(204);
  });

  test("begin with the notice, whatever ran before it, and again with the next one", async () => {
    hub.clock.ranMs += RECOVERY_NOTICE_MS * 2;
    await recover((await notice(hub)).body);
    hub.clock.nowMs += RECOVERY_NOTICE_MS;
    expect(await recover(await completion(hub))).toBe("RECOVERY_TOO_EARLY");
    hub.clock.ranMs += RECOVERY_NOTICE_MS;
    const owner = await hub.logIn(hub.owner.bundle);
    expect(await codeOf("POST", "/api/keyring", await objection(hub, owner), owner)).toBe(200);
    hub.clock.ranMs += RECOVERY_NOTICE_MS;
    await recover((await notice(hub)).body);
    hub.clock.nowMs += RECOVERY_NOTICE_MS;
    expect(await recover(await completion(hub))).toBe("RECOVERY_TOO_EARLY");
  });

  test("are not shortened by a device whose clock is another one", async () => {
    const announced = await notice(hub);
    hub.clock.nowMs += 121_000;
    expect(await recover(announced.body)).toBe("CLOCKS_DIFFER");
    hub.clock.nowMs -= 242_000;
    expect(await recover(announced.body)).toBe("CLOCKS_DIFFER");
    hub.clock.nowMs += 2_000;
    expect(await recover(announced.body)).toBe(204);
  });
});

describe("the sheet's door", () => {
  test("takes notices and completions of the sheet, and nothing else", async () => {
    const announced = await notice(hub);
    const { change } = newDevice("owner");
    const admission = await signAt(hub, change, [hub.owner.key]);
    const forged = await signAt(hub, { kind: "recovery_complete" }, [hub.owner.key]);
    expect(await recover({ statement: admission, label: null, passedOn: [] })).toBe(
      "KEYRING_INVALID_CHANGE",
    );
    expect(
      await recover(await objection(hub, hub.owner).then((body) => ({ ...body, label: null }))),
    ).toBe("KEYRING_INVALID_CHANGE");
    expect(await recover({ statement: forged, label: null, passedOn: [] })).toMatch(/^KEYRING_/);
    expect(await recover({ ...announced.body, passedOn: [] })).toBe("PASSED_ON_INCOMPLETE");
    expect(await recover({ ...announced.body, label: null })).toBe("LABEL_MISMATCH");
    expect(keyringOf(hub).epoch).toBe(0);
    expect(await recover(announced.body)).toBe(204);
    expect(await codeOf("POST", "/api/keyring", announced.body, hub.owner)).toBe("MALFORMED_INPUT");
  });

  test("says what a recovery begins with to the sheet alone", async () => {
    const content = await openRecoveryAnswer(hub, hub.recovery?.reader.identity ?? "");
    expect(content.statements).toEqual(hub.hub.services.household.statements());
    expect(content.labels).toEqual([{ device: hub.owner.key.device, label: "founder" }]);
    expect(content).toMatchObject({ nowMs: hub.clock.nowMs, ranMs: 0 });
    const { originals } = hub.owner.bundle.readers;
    for (const identity of [originals ?? "", (await generateReader("x25519")).identity])
      await expect(openRecoveryAnswer(hub, identity)).rejects.toThrow();
  });

  test("tells for how long the notice has stood, and writes nothing", async () => {
    await recover((await notice(hub)).body);
    pass(HOUR_MS);
    await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"), {
      readOnly: true,
    });
    // SQLite counts what other connections have written.
    const changes = () => database.pragma("data_version", { simple: true });
    const before = changes();
    const asked = await openRecoveryAnswer(hub, hub.recovery?.reader.identity ?? "");
    expect(asked).toMatchObject({ ranMs: HOUR_MS });
    expect(changes()).toBe(before);
    hub.hub.services.keyringDesk.countTime();
    expect(changes()).not.toBe(before);
  });

  test("is shut to whoever knocks too often", async () => {
    const body = { ...(await notice(hub)).body, passedOn: [] };
    const statuses: number[] = [];
    for (let count = 0; count < 7; count += 1)
      statuses.push(
        (
          await hub.hub.server.inject({
            ...{ method: "POST", url: "/api/recoveries", payload: body },
            ...{ remoteAddress: "127.99.0.1", headers: { host: "localhost" } },
          })
        ).statusCode,
      );
    expect(statuses.slice(-2)).toEqual([429, 429]);
    expect(statuses.slice(0, 5)).not.toContain(429);
  });
});

test("a notice is there after a restart, with the time that it has stood", async () => {
  const { dataDirectory } = hub;
  await recover((await notice(hub)).body);
  hub.clock.ranMs += 40 * HOUR_MS;
  const { keyringDesk } = hub.hub.services;
  keyringDesk.countTime();
  expect(keyringDesk.ranMs()).toBe(40 * HOUR_MS);
  await hub.hub[Symbol.asyncDispose]();
  const { owner, recovery } = hub;
  await using again = await startTestHub({
    ...{ dataDirectory, owner: owner.bundle },
    nowMs: hub.clock.nowMs + RECOVERY_NOTICE_MS,
  });
  expect(keyringOf(again).pending).not.toBeNull();
  again.clock.ranMs += 31 * HOUR_MS;
  const finish = async () => {
    const statement = await signAt(again, { kind: "recovery_complete" }, [
      sheetOf({ ...again, recovery }),
    ]);
    const body = { statement, label: null, passedOn: [] };
    return (await again.call("POST", "/api/recoveries", { body })).statusCode;
  };
  expect(await finish()).toBe(409);
  again.clock.ranMs += HOUR_MS;
  expect(await finish()).toBe(204);
});
