import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseClipId, type ClipId } from "../../src/protocol/ids.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { START_AT_MS } from "../clips/test-stream.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
import { applySaid } from "../clips/apply-said.ts";

const FILE = `# ours
cameras:
  # above the door
  - { id: front, name: Front door, main: "rtsp://127.0.0.1:1/none", faces: keep }
`;

describe("that an event was nothing", () => {
  const folder = temporaryFolder();
  let hub: TestHub;
  let clips: readonly ClipId[];
  beforeAll(async () => {
    const file = path.join(folder.path, "doorward.yaml");
    writeFileSync(file, FILE);
    const settings = { ...(await readSettings(folder.path, null, {})), port: 0 };
    hub = await startTestHub({ dataDirectory: folder.path, settings, clips: 4 });
    ({ clips } = hub);
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const text = (): string => readFileSync(path.join(folder.path, "doorward.yaml"), "utf8");
  const put = (url: string, body: unknown, as: TestDevice | null = hub.owner) =>
    hub.call("PUT", `/api/${url}`, { as, body });
  const get = (url: string, as: TestDevice | null = hub.owner) =>
    hub.call("GET", `/api/${url}`, { as });
  const mark = (clip: string | undefined, isNothing: boolean, as?: TestDevice | null) =>
    put(`clips/${clip}/nothing`, { isNothing }, as);

  test("is said by an owner and by nobody else, and so is what counts as motion", async () => {
    const body = { isNothing: true };
    for (const role of ["adult", "viewer", "guest"] as const) {
      const other = await hub.admit(role);
      expect((await mark(clips[0], true, other)).statusCode, role).toBe(403);
      expect((await get(`clips/${clips[0]}/nothing`, other)).statusCode, role).toBe(403);
      for (const ask of [
        get("settings/cameras/front/motion", other),
        put("settings/cameras/front/motion", { smallest: 0.5 }, other),
      ])
        expect((await ask).statusCode, role).toBe(403);
    }
    expect((await put(`clips/${clips[0]}/nothing`, body, null)).statusCode).toBe(401);
    expect((await get(`clips/${clips[0]}/nothing`)).json()).toMatchObject({
      ...{ isNothing: false, marked: 0, others: 4 },
    });
    expect(text()).toBe(FILE);
  });

  test("is counted, says what to change from the second one on, and is taken back", async () => {
    const before = hub.ledgerKinds();
    expect((await mark(clips[0], true)).json()).toEqual({
      ...{ isNothing: true, marked: 1, others: 3, suggestions: [] },
    });
    // Twice is no more than once.
    expect((await mark(clips[0], true)).json()).toMatchObject({ marked: 1 });
    expect((await mark(clips[1], true)).json()).toEqual({
      ...{ isNothing: true, marked: 2, others: 2 },
      suggestions: [{ change: "zone", zone: "door", spares: 2, loses: 2 }],
    });
    expect((await mark(clips[1], false)).json()).toMatchObject({ isNothing: false, marked: 1 });
    await mark(clips[0], false);
    expect((await get(`clips/${clips[0]}/nothing`)).json()).toMatchObject({ marked: 0, others: 4 });
    // It changes no recording, and none is missing.
    expect(hub.ledgerKinds()).toEqual(before);
    expect(hub.hub.services.clips.counts().closed).toBe(4);
  });

  test("of a clip that is not there, or a bell, is refused; so is what is no answer", async () => {
    expect((await mark("0".repeat(32), true)).statusCode).toBe(404);
    expect((await get(`clips/${"0".repeat(32)}/nothing`)).statusCode).toBe(404);
    expect((await mark("..%2f..", true)).statusCode).toBe(422);
    for (const body of [{}, { isNothing: "yes" }, { isNothing: true, why: "leaves" }, null])
      expect((await put(`clips/${clips[0]}/nothing`, body)).statusCode).toBe(422);
    const bell = parseClipId("b".repeat(32));
    const { clips: store, household } = hub.hub.services;
    await applySaid(store, {
      ...{ type: "clip-started", clip: bell, camera: "front", faces: "keep", kind: "bell" },
      ...{ eventAtMs: START_AT_MS, startedAtMs: START_AT_MS },
      why: { kind: "bell", zone: "", areaShare: 0, score: 1 },
      ...{ keyringHead: household.keyring?.head, keyringEpoch: household.keyring?.epoch },
    });
    const refused = await mark(bell, true);
    expect(refused.json()).toMatchObject({ code: "NOTHING_REFUSED" });
    expect((await get(`clips/${bell}/nothing`)).json()).toMatchObject({ isNothing: false });
  });

  test("what counts as motion is saved in the file, entered, and within its limits", async () => {
    const motion = "settings/cameras/front/motion";
    expect((await get(motion)).json()).toEqual({
      ...{ sensitivity: "normal", smallest: 0, objects: true, canChange: true },
    });
    const before = hub.ledgerKinds().filter((kind) => kind === "settings").length;
    expect((await put(motion, { smallest: 0.012 })).json()).toMatchObject({ smallest: 0.012 });
    expect((await get(motion)).json()).toMatchObject({ smallest: 0.012, sensitivity: "normal" });
    expect(text()).toMatch(/# above the door[\s\S]*smallest: 0\.012/);
    expect(hub.ledgerKinds().filter((kind) => kind === "settings")).toHaveLength(before + 1);
    const saved = text();
    for (const body of [
      ...[{ smallest: 0.51 }, { smallest: -0.1 }, { smallest: "0.1" }, { sensitivity: "off" }],
      ...[{ objects: 1 }, { zones: [] }],
    ])
      expect((await put(motion, body)).statusCode, JSON.stringify(body)).toBe(422);
    expect((await put("settings/cameras/back/motion", { smallest: 0.1 })).statusCode).toBe(404);
    expect((await get("settings/cameras/back/motion")).statusCode).toBe(404);
    expect(text()).toBe(saved);
  });
});
