import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { AreasAnswer, type AreasBody } from "../../src/protocol/api-areas.ts";
import type { HealthAnswer } from "../../src/protocol/api.ts";
import type { Polygon } from "../../src/protocol/picture-areas.ts";
import { hasSameStreams } from "../../src/settings/cameras.ts";
import { publicSpaceOf } from "../../src/settings/zones.ts";
import { readSettings, readSettingsFrom } from "../../src/settings/settings.ts";
import { openLive } from "../support/live-socket.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { initOf, pictureOf } from "../support/test-live.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

const FILE = `# Our house.
listen: { port: 0 }
cameras:
  # above the door
  - id: front
    main: rtsp://192.0.2.10/main   # the good one
    faces: keep
    zones:
      # from the gate to the door
      - { name: Path, points: [[0, 0.5], [0.5, 0.5], [0.5, 1], [0, 1]] } # swept on Fridays
      - { name: Bench, points: [[0.6, 0.6], [0.9, 0.6], [0.9, 0.9]] }
    masks:
      - [[0, 0], [0.2, 0], [0.2, 0.2]]   # the neighbours' window
  - { id: clip, source: ffmpeg, input: "/tmp/none.mp4", faces: keep }
`;
const SQUARE: Polygon = [
  [0.25, 0.25],
  [0.75, 0.25],
  [0.75, 0.75],
  [0.25, 0.75],
];
const STREET: Polygon = [
  [0, 0],
  [1, 0],
  [1, 0.4],
  [0, 0.4],
];
const AREAS = "/api/settings/cameras/front/areas";

interface Settled extends AsyncDisposable {
  readonly hub: TestHub;
  text(): string;
  write(text: string): void;
  areas(url?: string): Promise<AreasAnswer>;
  put(body: unknown, url?: string): ReturnType<TestHub["call"]>;
  entries(): number;
}

async function settled(): Promise<Settled> {
  const folder = temporaryFolder();
  const file = path.join(folder.path, "doorward.yaml");
  writeFileSync(file, FILE);
  const hub = await startTestHub({
    dataDirectory: folder.path,
    settings: await readSettings(folder.path, null, {}),
  });
  return {
    hub,
    text: () => readFileSync(file, "utf8"),
    write: (text) => writeFileSync(file, text),
    areas: async (url = AREAS) => {
      const answer: unknown = (await hub.call("GET", url, { as: hub.owner })).json();
      if (!Value.Check(AreasAnswer, answer)) throw new Error("not of the shape of its schema");
      return answer;
    },
    put: (body, url = AREAS) => hub.call("PUT", url, { as: hub.owner, body }),
    entries: () => hub.ledgerKinds().filter((kind) => kind === "settings").length,
    [Symbol.asyncDispose]: async () => {
      await hub[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function bodyOf(answer: AreasAnswer): AreasBody {
  const { zones, masks, public: open, publicBudget, version } = answer;
  return { zones, masks, public: open, publicBudget, version };
}

function readText(text: string) {
  return readSettingsFrom({
    ...{ file: "d.yaml", text, secrets: new Map(), environment: {} },
    facesUnsaid: "keep",
  });
}

describe("areas of a camera", () => {
  test("are changed in the file, where comments stay, and entered into the ledger", async () => {
    await using own = await settled();
    const before = await own.areas();
    expect(before.zones.map(({ name }) => name)).toEqual(["Path", "Bench"]);
    const entered = own.entries();
    const [path_] = before.zones;
    const answer = await own.put({
      ...bodyOf(before),
      zones: [{ name: "Gate", points: SQUARE }, path_],
      public: [STREET],
      publicBudget: 0.1,
    });
    expect(answer.statusCode, answer.body).toBe(200);
    expect(answer.json()).toMatchObject({
      zones: [{ name: "Gate" }, { name: "Path" }],
      publicSpace: { budget: 0.1, isArmed: false },
    });
    expect(answer.json<AreasAnswer>().publicSpace.share).toBeCloseTo(0.38, 1);
    expect(own.entries()).toBe(entered + 1);
    const said = () => own.hub.log.filter((line) => line.startsWith("front: "));
    expect(said()).toEqual([expect.stringMatching(/^front: Motion is not recorded: 3\d(\.\d)? %/)]);
    const health = await own.hub.call("GET", "/api/health", { as: own.hub.owner });
    const { cameras } = health.json<HealthAnswer>();
    expect(cameras[0]?.notes.map(({ code }) => code)).toContain("PUBLIC_SPACE");
    const text = own.text();
    for (const comment of [
      "# Our house.",
      "# above the door",
      "# the good one",
      "# from the gate to the door",
      "# swept on Fridays",
      "# the neighbours' window",
    ])
      expect(text).toContain(comment);
    expect(text).toContain("- { name: Gate, points: [ [ 0.25, 0.25 ]");
    expect(text).not.toContain("Bench");
    expect(await own.areas()).toEqual(answer.json());
    const cleared = await own.put({
      ...{ zones: [], masks: [], public: [], publicBudget: null },
      version: answer.json<AreasAnswer>().version,
    });
    expect(cleared.statusCode, cleared.body).toBe(200);
    expect(own.text()).not.toMatch(/zones|masks|public/);
    expect(said().slice(1)).toEqual([expect.stringContaining("motion is recorded again")]);
  });

  test("that somebody else has changed meanwhile are not overwritten", async () => {
    await using own = await settled();
    const before = bodyOf(await own.areas());
    expect((await own.put({ ...before, public: [STREET] })).statusCode).toBe(200);
    const late = await own.put({ ...before, masks: [] });
    expect(late.statusCode).toBe(409);
    expect(late.json()).toMatchObject({ code: "SETTINGS_CHANGED" });
    // By hand, in the file, is somebody else too.
    const now = bodyOf(await own.areas());
    own.write(own.text().replace("[ 1, 0.4 ]", "[ 1, 0.5 ]"));
    expect(own.text()).toContain("[ 1, 0.5 ]");
    const behind = await own.put({ ...now, masks: [] });
    expect(behind.statusCode).toBe(409);
    expect(own.text()).toContain("the neighbours' window");
  });

  test("that cannot be drawn, or are another's to draw, are refused, and nothing is written", async () => {
    await using own = await settled();
    const before = bodyOf(await own.areas());
    const [text, entered] = [own.text(), own.entries()];
    const tie: Polygon = [
      [0, 0],
      [1, 1],
      [1, 0],
      [0, 1],
    ];
    for (const [change, words] of [
      [{ masks: [tie] }, /cross or touch/],
      [
        {
          zones: [
            { name: "A", points: SQUARE },
            { name: "A", points: STREET },
          ],
        },
        /another zone/,
      ],
      [{ zones: [{ name: " ", points: SQUARE }] }, /a name that can be seen/],
      [{ zones: [{ name: "a\u202eb", points: SQUARE }] }, /characters on one line/],
      [
        {
          public: [
            [
              [0, 0],
              [1, 0],
            ],
          ],
        },
        /corners/,
      ],
      [{ masks: Array.from({ length: 9 }, () => SQUARE) }, /./],
      [{ publicBudget: 0.9 }, /./],
      [{ version: "0".repeat(64) }, /somebody else/],
    ] as const) {
      const answer = await own.put({ ...before, ...change });
      expect(answer.statusCode, answer.body).toBeGreaterThanOrEqual(400);
      expect(answer.body).toMatch(words);
    }
    for (const role of ["adult", "viewer", "guest"] as const) {
      const as = await own.hub.admit(role);
      expect((await own.hub.call("GET", AREAS, { as })).statusCode).toBe(403);
      expect((await own.hub.call("PUT", AREAS, { as, body: before })).statusCode).toBe(403);
    }
    expect(own.text()).toBe(text);
    expect(own.entries()).toBe(entered);
  });

  test("leave nobody the live pictures of before: a mask begins them anew, a zone does not", async () => {
    await using own = await settled();
    const { live } = own.hub.hub.services;
    using early = await openLive(own.hub.hub.url, "front", own.hub.owner);
    live.take(initOf());
    for (const sequence of [0, 1, 2]) live.take(pictureOf({ sequence, keyFrame: sequence === 0 }));
    await early.waitForFragments(3);
    const before = bodyOf(await own.areas());
    const named = await own.put({ ...before, zones: [{ name: "Gate", points: SQUARE }] });
    expect(named.statusCode, named.body).toBe(200);
    expect(live.keptBytes).toBeGreaterThan(0);
    const { version } = named.json<AreasAnswer>();
    const masked = await own.put({ ...before, masks: [SQUARE], version });
    expect(masked.statusCode, masked.body).toBe(200);
    expect(live.keptBytes).toBe(0);
    using late = await openLive(own.hub.hub.url, "front", own.hub.owner);
    // One that was on its way, and the first that is masked.
    live.take(pictureOf({ sequence: 3, keyFrame: true }));
    live.take(initOf());
    live.take(pictureOf({ sequence: 0, keyFrame: true }));
    await early.waitForFragments(4);
    await late.waitForFragments(1);
    expect(late.fragments.map(({ sequence }) => sequence)).toEqual([0]);
    expect(early.fragments.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 0]);
  });

  test("stand with the shape of the picture that masks were drawn on, until they are drawn anew", async () => {
    await using own = await settled();
    const before = bodyOf(await own.areas());
    const drawn = await own.put({ ...before, masks: [SQUARE], masksShape: 1.333 });
    expect(drawn.json(), drawn.body).toMatchObject({ masksShape: 1.333 });
    expect(own.text()).toContain("masksShape: 1.333");
    const { version } = drawn.json<AreasAnswer>();
    const named = {
      ...before,
      version,
      masks: [SQUARE],
      zones: [{ name: "Gate", points: SQUARE }],
    };
    const kept = await own.put(named);
    expect(kept.json(), kept.body).toMatchObject({ masksShape: 1.333 });
    // Drawn by numbers, without a picture: nobody knows.
    const blind = await own.put({
      ...{ ...named, masks: [SQUARE, STREET] },
      version: kept.json<AreasAnswer>().version,
    });
    expect(blind.statusCode, blind.body).toBe(200);
    expect(blind.json()).not.toHaveProperty("masksShape");
    expect(own.text()).not.toContain("masksShape");
    const late = await own.put({ ...named, version, masksShape: 2 });
    expect(late.statusCode).toBe(409);
  });

  test("of a camera that ffmpeg reads are changed too, of one that is not there are not", async () => {
    await using own = await settled();
    const url = "/api/settings/cameras/clip/areas";
    const answer = await own.put({ ...bodyOf(await own.areas(url)), masks: [SQUARE] }, url);
    expect(answer.statusCode, answer.body).toBe(200);
    expect(own.text()).toContain("[ 0.25, 0.25 ]");
    const nobody = "/api/settings/cameras/nobody/areas";
    expect((await own.hub.call("GET", nobody, { as: own.hub.owner })).statusCode).toBe(404);
    expect((await own.put(bodyOf(await own.areas()), nobody)).statusCode).toBe(404);
  });
});

describe("areas in the settings file", () => {
  const fileWith = (lines: string): string =>
    `cameras:\n  - id: front\n    main: rtsp://192.0.2.10/main\n    faces: keep\n${lines}`;

  test.each<[string, string, string]>([
    [
      "no list",
      "    zones: all\n",
      "d.yaml:5: cameras.0.zones: expected a list of at most 8 zones",
    ],
    [
      "a zone without a name",
      "    zones:\n      - points: [[0,0],[1,0],[1,1]]\n",
      "d.yaml:6: cameras.0.zones.0: name is missing",
    ],
    [
      "a corner outside",
      "    masks:\n      - [[0,0],[1.5,0],[1,1]]\n",
      "d.yaml:6: cameras.0.masks.0.1.0: expected a share of the picture from 0 to 1",
    ],
    [
      "pixels",
      "    public:\n      - [[0,0],[640,0],[640,360]]\n",
      "expected a share of the picture from 0 to 1",
    ],
    [
      "two corners",
      "    masks:\n      - [[0,0],[1,0]]\n",
      "d.yaml:6: cameras.0.masks.0: expected 3 to 20 corners",
    ],
    [
      "a corner of three",
      "    masks:\n      - [[0,0,0],[1,0],[1,1]]\n",
      "d.yaml:6: cameras.0.masks.0.0: expected a corner as [0.25, 0.5]",
    ],
    [
      "a bow tie",
      "    masks:\n      - [[0,0],[1,0],[1,1]]\n      - [[0,0],[1,1],[1,0],[0,1]]\n",
      "d.yaml:7: cameras.0.masks.1: its edges cross",
    ],
    ["no number", "    masks:\n      - [[0,0],[.nan,0],[1,1]]\n", "from 0 to 1"],
    [
      "a budget of all",
      "    publicBudget: 1\n",
      "d.yaml:5: cameras.0.publicBudget: expected a share of the picture from 0 to 0.5",
    ],
    [
      "a shape in words",
      "    masksShape: 16:9\n",
      "d.yaml:5: cameras.0.masksShape: expected width of the picture over its height, 1.778 for 16 to 9",
    ],
    [
      "two zones of one name",
      "    zones:\n      - { name: A, points: [[0,0],[1,0],[1,1]] }\n      - { name: A, points: [[0,0],[1,0],[1,1]] }\n",
      'd.yaml:7: cameras.0.zones.1.name: "A" is the name of another zone',
    ],
    [
      "a speck of a zone",
      "    zones:\n      - { name: A, points: [[0,0],[0.05,0],[0.05,0.05]] }\n",
      "d.yaml:6: cameras.0.zones.0.points: it is too small",
    ],
  ])("%s: the line is named, and what was expected", (_name, lines, message) => {
    expect(() => readText(fileWith(lines))).toThrow(message);
  });

  test("a zone begins no camera anew, a mask does", () => {
    const [plain, zone, open, mask, none] = [
      "",
      "    zones: [{ name: A, points: [[0,0],[1,0],[1,1]] }]\n",
      "    public: [[[0,0],[1,0],[1,1]]]\n    publicBudget: 0.1\n",
      "    masks: [[[0,0],[1,0],[1,1]]]\n",
      "    masks: []\n    zones: []\n",
    ].map((lines) => readText(fileWith(lines)).cameras[0]);
    if (!plain || !zone || !open || !mask || !none) throw new Error("no camera");
    expect(hasSameStreams(plain, zone)).toBe(true);
    expect(hasSameStreams(plain, open)).toBe(true);
    expect(hasSameStreams(plain, none)).toBe(true);
    expect(hasSameStreams(plain, mask)).toBe(false);
    expect(hasSameStreams(mask, { ...mask, masksShape: 1.333 })).toBe(false);
  });

  test("public space above its budget leaves a camera unarmed, and masks are taken off it", () => {
    const space = (lines: string) => {
      const [camera] = readText(fileWith(lines)).cameras;
      return camera && publicSpaceOf(camera);
    };
    const street = "    public: [[[0,0],[1,0],[1,0.3],[0,0.3]]]\n";
    expect(space("")).toEqual({ share: 0, budget: 0.25, isArmed: true });
    expect(space(street)).toMatchObject({ budget: 0.25, isArmed: false });
    expect(space(street)?.share).toBeCloseTo(0.3, 2);
    expect(space(`${street}    publicBudget: 0.35\n`)?.isArmed).toBe(true);
    expect(space(`${street}    masks: [[[0,0],[1,0],[1,0.1],[0,0.1]]]\n`)?.isArmed).toBe(true);
    expect(
      space(`${street}    publicBudget: 0\n    masks: [[[0,0],[1,0],[1,0.31],[0,0.31]]]\n`),
    ).toEqual({ share: 0, budget: 0, isArmed: true });
  });
});
