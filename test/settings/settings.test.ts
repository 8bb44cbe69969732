import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { SettingsError } from "../../src/settings/file.ts";
import { readSettings, SETTINGS_FILE, type Settings } from "../../src/settings/settings.ts";

const DAY_MS = 24 * 3_600_000;

const root = mkdtempSync(path.join(os.tmpdir(), "doorward-settings-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function newFolder(): string {
  const folder = path.join(root, String(folders++));
  mkdirSync(folder);
  return folder;
}

interface Written {
  readonly text?: string;
  readonly secrets?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

async function read({ text, secrets, environment = {} }: Written): Promise<Settings> {
  const folder = newFolder();
  if (text !== undefined) writeFileSync(path.join(folder, SETTINGS_FILE), text);
  if (secrets !== undefined) {
    mkdirSync(path.join(folder, "secrets"));
    writeFileSync(path.join(folder, "secrets", "cameras.yaml"), secrets);
  }
  return await readSettings(folder, null, environment);
}

/** The message, from the name of the file on. */
async function refusal(written: Written): Promise<string> {
  try {
    await read(written);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    expect(error.code).toBe("WRONG_SETTINGS");
    return error.message.replace(/^\S*\//, "");
  }
  return "accepted";
}

const CAMERA = "cameras:\n  - id: front\n    main: rtsp://192.0.2.10/main\n";
const lines = (...text: string[]): string => `${text.join("\n")}\n`;

describe("settings that are right", () => {
  test("need not be there: an example is written, and a demo camera plays", async () => {
    const folder = newFolder();
    const settings = await readSettings(folder, null, {});
    expect(settings).toMatchObject({ name: "Home", port: 8080, outside: null });
    expect(settings.cameras).toEqual([
      { id: "demo", name: "Demo door", audio: false, faces: "keep", source: "demo" },
    ]);
    const file = path.join(folder, SETTINGS_FILE);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // What was written is read the next time, and is the same.
    expect(await readSettings(folder, null, {})).toEqual(settings);
    expect(readFileSync(file, "utf8")).toBe(settings.text);
  });

  test("say as little as one wants: sound is off, and a camera is named after its id", async () => {
    const { cameras } = await read({ text: CAMERA });
    expect(cameras).toEqual([
      {
        id: "front",
        name: "front",
        audio: false,
        faces: "keep",
        source: "rtsp",
        main: "rtsp://192.0.2.10/main",
        sub: null,
        username: null,
        password: null,
        allowBasic: false,
      },
    ]);
  });

  test.each(["keep", "blur-copy"] as const)(
    "that say nothing of faces mean what this machine can do, here %s",
    async (unsaid) => {
      const folder = newFolder();
      const file = path.join(folder, SETTINGS_FILE);
      const facesIn = async (text: string): Promise<string[]> => {
        writeFileSync(file, text);
        const { cameras } = await readSettings(folder, null, {}, unsaid);
        return cameras.map(({ faces }) => faces);
      };
      expect(await facesIn("name: Home\n")).toEqual([unsaid]);
      const two = `${CAMERA}  - { id: own, main: rtsp://192.0.2.11/main, faces: blur-only }\n`;
      expect(await facesIn(two)).toEqual([unsaid, "blur-only"]);
      // Said for all of them, the demo too.
      expect(await facesIn(`faces: blur-only\n${CAMERA}`)).toEqual(["blur-only"]);
      expect(await facesIn("faces: blur-copy\n")).toEqual(["blur-copy"]);
    },
  );

  test("may say everything that the documents name", async () => {
    const settings = await read({
      text: lines(
        "name: Front door hub",
        "listen: { port: 8090, lan: false }",
        "outside: { port: 9000, url: https://door.example.org }",
        "cameras:",
        "  - id: front",
        "    name: Front door",
        "    main: rtsp://192.0.2.10/main",
        "    sub: rtsp://192.0.2.10/sub",
        "    audio: true",
        "    faces: blur-only",
        "    blur: { cover: persons, plates: true }",
        "    basic: true",
        "  - { id: file, source: ffmpeg, input: /srv/door.mp4 }",
        "retention: { motion: 7d, bell: 30d, space: 20GB }",
      ),
    });
    expect(settings).toMatchObject({
      name: "Front door hub",
      port: 8090,
      outside: { port: 9000, url: "https://door.example.org" },
      cameras: [
        {
          ...{ id: "front", audio: true, allowBasic: true, source: "rtsp" },
          ...{ faces: "blur-only", blur: { cover: "persons", plates: true } },
        },
        { id: "file", source: "ffmpeg", input: "/srv/door.mp4" },
      ],
      retention: { motionMs: 7 * DAY_MS, bellMs: 30 * DAY_MS, spaceBytes: 20e9 },
    });
  });

  test("say how long recordings stay, each by itself, and 30 and 90 days where they do not", async () => {
    const standard = { motionMs: 30 * DAY_MS, bellMs: 90 * DAY_MS, spaceBytes: null };
    const retention = async (text: string) => (await read({ text })).retention;
    expect(await retention("name: Home\n")).toEqual(standard);
    expect(await retention("retention: { motion: 12h }\n")).toEqual({
      ...standard,
      motionMs: DAY_MS / 2,
    });
    expect(await retention("retention: { space: 500MB }\n")).toEqual({
      ...standard,
      spaceBytes: 5e8,
    });
    for (const wrong of ["motion: 0d", "bell: 00h", "space: 0GB"])
      await expect(retention(`retention: { ${wrong} }\n`), wrong).rejects.toThrow(/expected a/);
  });

  test("take the port from the environment before the file", async () => {
    const text = "listen: { port: 8090 }\n";
    expect((await read({ text, environment: { DOORWARD_PORT: "0" } })).port).toBe(0);
    expect((await read({ text, environment: { DOORWARD_PORT: "" } })).port).toBe(8090);
  });
});

describe("user and password of a camera", () => {
  const text = lines("cameras:", "  - { id: front-door, main: rtsp://192.0.2.10/main }");

  test("come from the file of secrets", async () => {
    const { cameras, text: kept } = await read({
      text,
      secrets: `front-door: { user: viewer, password: "a: b # c" }\n`,
    });
    expect(cameras[0]).toMatchObject({ username: "viewer", password: "a: b # c" });
    // What goes into the ledger as a hash has no secret in it.
    expect(kept).toBe(text);
  });

  test("come from the environment before that", async () => {
    const { cameras } = await read({
      text,
      secrets: "front-door: { user: viewer, password: from-the-file }\n",
      environment: { DOORWARD_CAMERA_FRONT_DOOR_PASSWORD: "from-the-environment" },
    });
    expect(cameras[0]).toMatchObject({ username: "viewer", password: "from-the-environment" });
  });

  test.each([
    ["main: rtsp://viewer:hunter22@192.0.2.10/main"],
    ["main: rtsp://192.0.2.10/main\n    sub: rtsp://viewer@192.0.2.10/sub"],
  ])("do not belong into the address: %j", async (streams) => {
    const message = await refusal({ text: `cameras:\n  - id: front\n    ${streams}\n` });
    expect(message).toMatch(
      /^doorward\.yaml:[34]: cameras\.0\.(main|sub): .*secrets\/cameras\.yaml/,
    );
    expect(message).not.toContain("hunter22");
  });

  test.each([
    [
      "front-door: { password: 123456 }\n",
      "cameras.yaml:1: front-door.password: expected a password in quotes",
    ],
    [
      "front-door:\n  passwort: hunter22\n",
      "cameras.yaml:2: front-door.passwort: there is no setting of this name",
    ],
    ["front-door: hunter22\n", "cameras.yaml:1: front-door: expected"],
    [
      "front-door: { password: *hunter22 }\n",
      "cameras.yaml: Cannot read settings: aliases are not allowed",
    ],
    ["front-door: {\n", "cameras.yaml:"],
    ["- hunter22\n", "cameras.yaml:1: settings: expected"],
  ])(
    "are refused by line when they are written wrongly, and not shown: %j",
    async (secrets, start) => {
      const message = await refusal({ text, secrets });
      expect(message).toContain(start);
      expect(message).not.toMatch(/hunter22|123456/);
    },
  );
});

describe("settings that are wrong name file, line, and what was expected", () => {
  const cases: [string, string, string][] = [
    [
      "a port that is a word",
      "listen:\n  port: eighty\n",
      "2: listen.port: expected a port from 0 to 65535",
    ],
    [
      "a port that is too large",
      "listen: { port: 65536 }\n",
      "1: listen.port: expected a port from 0 to 65535",
    ],
    [
      "a port that is no whole number",
      "listen: { port: 80.5 }\n",
      "1: listen.port: expected a port",
    ],
    [
      "a misspelt setting",
      "name: Home\nlisen: { port: 80 }\n",
      "2: lisen: there is no setting of this name: expected one of name, listen",
    ],
    [
      "a misspelt setting below another",
      "listen:\n  lan: false\n  prot: 80\n",
      "3: listen.prot: there is no setting of this name",
    ],
    [
      "a misspelt setting of a camera",
      `${CAMERA}    pasword: x\n`,
      "4: cameras.0.pasword: there is no setting of this name",
    ],
    ["an empty name", 'name: ""\n', "1: name: expected 1 to 80 characters"],
    [
      "a name that is too long",
      `name: ${"x".repeat(81)}\n`,
      "1: name: expected 1 to 80 characters",
    ],
    ["a name that is a number", "name: 12\n", "1: name: expected 1 to 80 characters"],
    ["a camera without an address", "cameras:\n  - id: front\n", "2: cameras.0: main is missing"],
    [
      "a camera without an id",
      "cameras:\n  - name: x\n    main: rtsp://192.0.2.10/main\n",
      "2: cameras.0: id is missing",
    ],
    [
      "an id with a capital",
      "cameras:\n  - id: Front\n    main: rtsp://192.0.2.10/main\n",
      "2: cameras.0.id: expected 1 to 32 of a-z, 0-9 and '-'",
    ],
    [
      "an id that would be a path",
      'cameras:\n  - id: "../x"\n    main: rtsp://192.0.2.10/main\n',
      "2: cameras.0.id: expected",
    ],
    [
      "an id used twice",
      `${CAMERA}  - { id: front, main: rtsp://192.0.2.11/main }\n`,
      '4: cameras.1.id: "front" is used twice',
    ],
    [
      "an address of another kind",
      "cameras:\n  - id: front\n    main: http://192.0.2.10/main\n",
      "3: cameras.0.main: expected an address as rtsp://",
    ],
    [
      "an address without a host",
      "cameras:\n  - id: front\n    main: rtsp:///main\n",
      "3: cameras.0.main: ",
    ],
    [
      "an address with a space",
      'cameras:\n  - id: front\n    main: "rtsp://192.0.2.10/a b"\n',
      "3: cameras.0.main: ",
    ],
    [
      "an address with a port that is none",
      "cameras:\n  - id: front\n    main: rtsp://192.0.2.10:99999/\n",
      "3: cameras.0.main: expected an address",
    ],
    [
      "faces in a way that is not known",
      `${CAMERA}    faces: hide\n`,
      "4: cameras.0.faces: expected keep, blur-copy or blur-only",
    ],
    [
      "a blurred copy of what is not known",
      `${CAMERA}    blur:\n      cover: hats\n`,
      "5: cameras.0.blur.cover: expected faces or persons",
    ],
    [
      "sound that is neither on nor off",
      `${CAMERA}    audio: loud\n`,
      "4: cameras.0.audio: expected true or false",
    ],
    [
      "cameras that are no list",
      "cameras: { id: front }\n",
      "1: cameras: expected a list of at most 16 cameras",
    ],
    ["a camera that is a word", "cameras:\n  - front\n", "2: cameras.0: expected"],
    [
      "a camera of an unknown source",
      "cameras:\n  - { id: a, source: onvif, main: rtsp://192.0.2.10/ }\n",
      "2: cameras.0.source: expected rtsp or ffmpeg",
    ],
    [
      "a file without its path",
      "cameras:\n  - { id: a, source: ffmpeg }\n",
      "2: cameras.0: input is missing",
    ],
    [
      "an input of a protocol that is not taken",
      "cameras:\n  - id: a\n    source: ffmpeg\n    input: udp://239.0.0.1:1234\n",
      "4: cameras.0.input: expected the path of a video file, /dev/video0, csi:0, http://",
    ],
    [
      "more cameras than 16",
      `cameras:\n${Array.from({ length: 17 }, (_, index) => `  - { id: c${index}, main: rtsp://192.0.2.10/ }`).join("\n")}\n`,
      "1: cameras: expected a list of at most 16 cameras",
    ],
    [
      "a time without its unit",
      "retention:\n  motion: 7\n",
      "2: retention.motion: expected a time as 12h or 30d",
    ],
    [
      "a size without its unit",
      "retention:\n  space: 20\n",
      "2: retention.space: expected a size as 20GB",
    ],
    ["an outside listener without a port", "outside: {}\n", "1: outside: port is missing"],
    [
      "an outside address that is none",
      "outside:\n  port: 9000\n  url: https://\n",
      "3: outside.url: expected",
    ],
    ["a setting given twice", "name: a\nname: b\n", "2: "],
    ["a list in place of settings", "- name: a\n", "1: settings: expected"],
    ["a text in place of settings", "hello\n", "1: settings: expected"],
    ["a brace that is not closed", "name: a\nlisten: { port: 80\n", "3: Cannot read settings: "],
    ["a tab for indentation", "listen:\n\tport: 80\n", "2: Cannot read settings: "],
    ["an alias", "name: &a x\nlisten: *a\n", " Cannot read settings: aliases are not allowed"],
  ];
  test.each(cases)("%s", async (_, text, expected) => {
    expect(await refusal({ text })).toContain(`doorward.yaml:${expected}`);
  });

  test("a port in the environment that is none", async () => {
    for (const port of ["eighty", "-1", "65536", "80.5", "0x50", " "])
      expect(await refusal({ environment: { DOORWARD_PORT: port } }), port).toContain(
        "Cannot read DOORWARD_PORT: expected a port from 0 to 65535",
      );
  });
});
