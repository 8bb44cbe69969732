import type { TSchema } from "typebox";
import { expect, test } from "vitest";
import { ErrorAnswer, PairingStarted, RequestSummary } from "../../src/protocol/api.ts";
import { CameraStatus, HealthAnswer } from "../../src/protocol/api-health.ts";
import {
  CameraSettingsAnswer,
  CameraTestAnswer,
  SettingsCameraBody,
  SettingsNameBody,
  SettingsRetentionBody,
} from "../../src/protocol/api-settings.ts";
import { BUNDLE_MAX_BYTES } from "../../src/protocol/bundle.ts";
import { checkShape } from "../../src/protocol/check.ts";
import { decisionLifetimeMs } from "../../src/protocol/decision.ts";
import { extendKeyring, readersInForce } from "../../src/protocol/keyring.ts";
import { LEDGER_ENTRY_SCHEMAS } from "../../src/protocol/ledger-entry.ts";
import {
  AVAILABLE_DEFAULT_MS,
  AVAILABLE_MAX_MS,
  LIMITS,
  RECOVERY_NOTICE_MS,
  REQUEST_EXPIRY_MS,
} from "../../src/protocol/limits.ts";
import { recordFor, summaryOf } from "../support/test-approval.ts";
import { newDevice, newReaders, testChain } from "../support/test-household.ts";

const fits = (schema: TSchema, value: unknown): boolean => {
  try {
    checkShape(schema, value, "answer");
    return true;
  } catch {
    return false;
  }
};

test("what signed statements and files may measure is what the specification says", () => {
  const MIB = 1024 * 1024;
  expect(LIMITS).toMatchObject({
    ...{ requestBytes: 64 * 1024, documentBytes: 4 * MIB, renditionFileBytes: 32 * MIB },
    ...{ reportBytes: 64 * MIB, receiptBytes: 8 * MIB, filesPerApproval: 400 },
    ...{ clipsPerApproval: 64, signaturesPerEnvelope: 16, devicesInForce: 200 },
  });
  expect(BUNDLE_MAX_BYTES).toBe(1024 * MIB);
  const HOUR_MS = 3_600_000;
  expect([AVAILABLE_DEFAULT_MS, AVAILABLE_MAX_MS]).toEqual([30 * 24 * HOUR_MS, 366 * 24 * HOUR_MS]);
  expect([REQUEST_EXPIRY_MS, RECOVERY_NOTICE_MS]).toEqual([14 * 24 * HOUR_MS, 72 * HOUR_MS]);
});

const HEALTH: HealthAnswer = {
  ...{ startedAtMs: 0, version: "1", cameras: [], sandbox: { inForce: true, reason: "" } },
  ...{ ingestRestarts: 0, outside: null, clips: 0, ledgerEntries: 0, warnings: [], troubles: [] },
  machine: { temperatureC: null, power: null, coreDumps: null, isClockSet: null },
  ...{ certificateEndsAtMs: null, clockJump: null, connections: { known: 0, open: 0 } },
  witness: { lastAtMs: null, entriesSince: 0 },
};
const TESTED: CameraTestAnswer = {
  ...{ ok: true, codec: "h264", width: 1, height: 1, fps: 0, problem: null },
};

test("a hub that has nothing yet is well, and none has less than nothing", () => {
  expect(fits(HealthAnswer, HEALTH)).toBe(true);
  for (const name of ["ingestRestarts", "clips", "ledgerEntries"])
    expect(fits(HealthAnswer, { ...HEALTH, [name]: -1 }), name).toBe(false);
  expect(fits(CameraStatus, {})).toBe(false);
});

test("a picture has from one to 16,384 pixels a side", () => {
  expect(fits(CameraTestAnswer, TESTED)).toBe(true);
  for (const side of ["width", "height"]) {
    expect(fits(CameraTestAnswer, { ...TESTED, [side]: 16_384 }), side).toBe(true);
    for (const wrong of [0, 16_385])
      expect(fits(CameraTestAnswer, { ...TESTED, [side]: wrong }), side).toBe(false);
  }
});

const CAMERA = {
  ...{ id: "front", name: "Front", source: "rtsp", audio: false, faces: "keep" },
  ...{ hasPassword: false, blur: { cover: "faces", plates: false, mode: "standard" } },
};
const SETTINGS_TEXTS: [TSchema, object, string, number][] = [
  [CameraSettingsAnswer, CAMERA, "id", 32],
  [CameraSettingsAnswer, CAMERA, "name", 80],
  [CameraSettingsAnswer, CAMERA, "main", 1_000],
  [CameraSettingsAnswer, CAMERA, "username", 200],
  [SettingsNameBody, {}, "name", 200],
  [SettingsCameraBody, {}, "main", 2_048],
  [SettingsCameraBody, {}, "sub", 2_048],
  [SettingsCameraBody, {}, "name", 200],
  [SettingsCameraBody, {}, "faces", 20],
  [SettingsRetentionBody, {}, "motion", 20],
  [SettingsRetentionBody, {}, "bell", 20],
  [SettingsRetentionBody, {}, "space", 20],
];

test.each(SETTINGS_TEXTS)("a text of the settings ends: %#", (schema, rest, field, characters) => {
  expect(fits(schema, { ...rest, [field]: "a".repeat(characters) }), field).toBe(true);
  expect(fits(schema, { ...rest, [field]: "a".repeat(characters + 1) }), field).toBe(false);
});

test("a pairing has a name of 32 hex digits and a token of 64, and a failure a sentence", () => {
  const started = { pairing: "a".repeat(32), token: "b".repeat(64), expiresAtMs: 1 };
  expect(fits(PairingStarted, started)).toBe(true);
  expect(fits(PairingStarted, { ...started, pairing: "a".repeat(31) })).toBe(false);
  expect(fits(PairingStarted, { ...started, pairing: "a".repeat(33) })).toBe(false);
  expect(fits(PairingStarted, { ...started, token: "b".repeat(63) })).toBe(false);
  const failure = { code: "NOT_OPEN", message: "a".repeat(2_000) };
  expect(fits(ErrorAnswer, failure)).toBe(true);
  expect(fits(ErrorAnswer, { ...failure, message: "a".repeat(2_001) })).toBe(false);
});

test("a request says that its bundle was released, or nothing of it", () => {
  const summary = summaryOf(recordFor(undefined));
  expect(fits(RequestSummary, summary)).toBe(true);
  expect(fits(RequestSummary, { ...summary, wasReleased: true })).toBe(true);
  expect(fits(RequestSummary, { ...summary, wasReleased: false })).toBe(false);
});

test("an entry of a request has no room for prose", () => {
  const schema = LEDGER_ENTRY_SCHEMAS.request;
  const entry = {
    ...{ v: 1, kind: "request", atMs: 0, request: "d".repeat(32), requestSha256: "a".repeat(64) },
    ...{ requestKind: "household", channel: "form", urgency: "normal" },
  };
  expect(fits(schema, entry)).toBe(true);
  for (const [field, characters] of [
    ["requestKind", 30],
    ["channel", 30],
    ["urgency", 20],
  ] as const) {
    expect(fits(schema, { ...entry, [field]: "a".repeat(characters) }), field).toBe(true);
    expect(fits(schema, { ...entry, [field]: "a".repeat(characters + 1) }), field).toBe(false);
  }
});

test("a household has two hundred devices in force, and those removed do not count", async () => {
  const chain = await testChain();
  const keyring = chain.keyring();
  const admission = await chain.sign(newDevice("viewer").change);
  const founder = [...keyring.devices.values()][0];
  if (!founder) throw new Error("nobody founded it");
  const withDevices = (inForce: number, removed: number): typeof keyring => {
    const devices = new Map(keyring.devices);
    for (let count = 1; count < inForce + removed; count += 1) {
      const { key } = newDevice("viewer");
      devices.set(key.device, { ...founder, id: key.device, removed: count >= inForce });
    }
    return { ...keyring, devices };
  };
  const full = withDevices(LIMITS.devicesInForce, 0);
  expect(() => extendKeyring(full, admission)).toThrow(/too many devices/);
  const room = withDevices(LIMITS.devicesInForce - 1, 3);
  expect(extendKeyring(room, admission).devices.size).toBe(LIMITS.devicesInForce + 3);
});

test("every set of readers that was in force is named once, newest first", async () => {
  const chain = await testChain();
  const first = chain.keyring().readers;
  const second = newDevice("viewer");
  await chain.add(second.change);
  expect(readersInForce(chain.statements)).toEqual([first]);
  const readers = await newReaders(chain.keyring());
  await chain.add({ kind: "remove", device: second.key.device, readers });
  await chain.add(newDevice("viewer").change);
  expect(readersInForce(chain.statements)).toEqual([readers, first]);
});

test("a decision travels a quarter of an hour, and thirty days where others sign or may veto", () => {
  const [quarterHourMs, thirtyDaysMs] = [15 * 60_000, 30 * 86_400_000];
  expect(decisionLifetimeMs({ exportSigners: 1, vetoWindowMs: 0 })).toBe(quarterHourMs);
  expect(decisionLifetimeMs({ exportSigners: 2, vetoWindowMs: 0 })).toBe(thirtyDaysMs);
  expect(decisionLifetimeMs({ exportSigners: 1, vetoWindowMs: 1 })).toBe(thirtyDaysMs);
});
