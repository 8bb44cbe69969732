import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { SettingsAnswer } from "../../src/protocol/api-settings.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { startTestHub, type Method, type TestHub } from "../support/test-hub.ts";

// An owner's changes of the settings: the file with its comments, the passwords apart, the ledger.

const FILE = `# Our house.
name: Old name   # what visitors read

listen:
  port: 0

cameras:
  # above the door
  - id: front      # do not rename
    name: Front door
    main: rtsp://192.0.2.10/main   # the good one
    audio: false
  - { id: garage, main: rtsp://192.0.2.11:8554/main }

# Two weeks, we said.
retention:
  motion: 14d
`;
const SECRETS = `# from the installer
front: { user: admin, password: "first-secret" }
`;
const PASSWORD = "gH7#x/y@z:% secret";

interface Settled extends AsyncDisposable {
  readonly hub: TestHub;
  readonly file: string;
  readonly secretsFile: string;
  text(): string;
  ask(method: Method, url: string, body?: unknown): ReturnType<TestHub["call"]>;
  entries(): number;
}

async function settled(
  written: { file?: string; secrets?: string; environment?: NodeJS.ProcessEnv } = {},
): Promise<Settled> {
  const folder = temporaryFolder();
  const file = path.join(folder.path, "doorward.yaml");
  const secretsFile = path.join(folder.path, "secrets", "cameras.yaml");
  writeFileSync(file, written.file ?? FILE);
  mkdirSync(path.dirname(secretsFile), { mode: 0o700 });
  if (written.secrets !== "")
    writeFileSync(secretsFile, written.secrets ?? SECRETS, { mode: 0o600 });
  const { environment = {} } = written;
  const settings = await readSettings(folder.path, null, environment);
  const hub = await startTestHub({
    dataDirectory: folder.path,
    settings: { ...settings, port: 0 },
    environment,
  });
  return {
    hub,
    file,
    secretsFile,
    text: () => readFileSync(file, "utf8"),
    ask: (method, url, body) => hub.call(method, url, { as: hub.owner, body }),
    entries: () => hub.ledgerKinds().filter((kind) => kind === "settings").length,
    [Symbol.asyncDispose]: async () => {
      await hub[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const CAMERA = "/api/settings/cameras/front";

describe("what is in force", () => {
  test("is told without any password", async () => {
    await using own = await settled();
    const answer = await own.ask("GET", "/api/settings");
    expect(answer.json()).toEqual({
      name: "Old name",
      cameras: [
        {
          ...{ id: "front", name: "Front door", source: "rtsp", main: "rtsp://192.0.2.10/main" },
          ...{ audio: false, faces: "keep", hasPassword: true, username: "admin" },
          blur: { cover: "faces", plates: false, mode: "standard" },
        },
        {
          ...{ id: "garage", name: "garage", source: "rtsp", main: "rtsp://192.0.2.11:8554/main" },
          ...{ audio: false, faces: "keep", hasPassword: false },
          blur: { cover: "faces", plates: false, mode: "standard" },
        },
      ],
      retention: { motion: "14d", bell: null, space: null },
      outside: null,
      isDemo: false,
      file: "doorward.yaml",
    });
    expect(answer.body).not.toContain("first-secret");
  });

  test("is nobody's to change but an owner's", async () => {
    await using own = await settled();
    const before = own.text();
    for (const role of ["adult", "viewer", "guest"] as const) {
      const as = await own.hub.admit(role);
      for (const [method, url, body] of [
        ["GET", "/api/settings", undefined],
        ["PUT", "/api/settings/name", { name: "mine" }],
        ["PUT", "/api/settings/retention", { motion: "1h" }],
        ["PUT", CAMERA, { main: "rtsp://192.0.2.66/main" }],
        ["DELETE", CAMERA, undefined],
        ["POST", "/api/cameras/test", { main: "rtsp://192.0.2.66/main" }],
      ] as const)
        expect((await own.hub.call(method, url, { as, body })).statusCode, url).toBe(403);
    }
    expect(own.text()).toBe(before);
  });
});

describe("a change", () => {
  test("keeps every comment, is in force at once, and is in the ledger", async () => {
    await using own = await settled();
    const entries = own.entries();
    const named = await own.ask("PUT", "/api/settings/name", { name: "New: name # 1" });
    expect(named.json<SettingsAnswer>().name).toBe("New: name # 1");
    expect((await own.hub.call("GET", "/api/hub")).json()).toMatchObject({ name: "New: name # 1" });
    await own.ask("PUT", "/api/settings/retention", { motion: "3d", space: "20GB" });
    const shown = await own.ask("GET", "/api/retention");
    expect(shown.json()).toMatchObject({ motionMs: 3 * 86_400_000, spaceBytes: 20e9 });
    await own.ask("PUT", CAMERA, { sub: "rtsp://192.0.2.10/sub", audio: true, talk: false });
    for (const comment of FILE.matchAll(/#.*/g)) expect(own.text()).toContain(comment[0]);
    const again = await readSettings(path.dirname(own.file), null, {});
    expect(again).toMatchObject({ name: "New: name # 1", retentionWritten: { motion: "3d" } });
    expect(again.cameras[0]).toMatchObject({
      ...{ sub: "rtsp://192.0.2.10/sub", audio: true, talk: false },
    });
    expect(again.cameras[1]).toMatchObject({ id: "garage" });
    expect(own.entries()).toBe(entries + 3);
    expect(statSync(own.file).mode & 0o777).toBe(0o600);
  });

  test("of nothing enters nothing", async () => {
    await using own = await settled();
    await own.ask("PUT", "/api/settings/name", { name: "Old name" });
    const [entries, text] = [own.entries(), own.text()];
    await own.ask("PUT", "/api/settings/name", { name: "Old name" });
    expect([own.entries(), own.text()]).toEqual([entries, text]);
  });

  test.each([
    ["PUT", "/api/settings/name", { name: "" }, "name", "1 to 80 characters"],
    ["PUT", "/api/settings/name", { name: "a\nb" }, "name", "on one line"],
    ["PUT", "/api/settings/name", { name: "\u202eba" }, "name", "on one line"],
    ["PUT", "/api/settings/cameras/front", { username: "a\r\nb" }, "username", "username"],
    ["PUT", "/api/settings/cameras/front", { main: "rtsp://a%0d:b@192.0.2.10/" }, "main", "escape"],
    ["PUT", "/api/settings/retention", { motion: "30 days" }, "motion", "a time as 12h or 30d"],
    ["PUT", "/api/settings/retention", { space: "0GB" }, "space", "a size as 20GB"],
    ["PUT", CAMERA, { main: "http://192.0.2.10/" }, "main", "rtsp://192.0.2.10/main"],
    ["PUT", CAMERA, { main: "rtsp://192.0.2.10:99999/" }, "main", "rtsp://192.0.2.10/main"],
    ["PUT", CAMERA, { sub: "rtsp:///sub" }, "sub", "names no host"],
    ["PUT", CAMERA, { blur: { cover: "hats" } }, "cover", "faces or persons"],
    ["PUT", CAMERA, { blur: { mode: "quick" } }, "mode", "standard or thorough"],
    ["PUT", CAMERA, { blur: { keep: true } }, "blur.keep", "belongs there"],
    ["PUT", CAMERA, { faces: "recognise" }, "faces", "keep, blur-copy or blur-only"],
    ["PUT", "/api/settings/cameras/new", { name: "x" }, "main", "main is missing"],
    ["PUT", "/api/settings/cameras/N%2Fw", { main: "rtsp://192.0.2.1/" }, "id", "pattern"],
    ["PUT", CAMERA, { password: 7 }, "password", ""],
    ["PUT", CAMERA, { basic: true }, "basic", "belongs there"],
    ["POST", "/api/cameras/test", { main: "rtsps://192.0.2.1/" }, "main", "rtsp://192.0.2.10"],
    ["POST", "/api/cameras/test", { main: "file:///etc/passwd" }, "main", "rtsp://192.0.2.10"],
  ] as const)(
    "that is wrong is refused by its field: %s %s %j",
    async (method, url, body, field, words) => {
      await using own = await settled();
      const entries = own.entries();
      const answer = await own.ask(method, url, body);
      expect(answer.statusCode).toBe(422);
      expect(answer.json()).toMatchObject({ code: "MALFORMED_INPUT", field });
      expect(answer.json<{ message: string }>().message).toContain(words);
      expect([own.text(), own.entries()]).toEqual([FILE, entries]);
    },
  );

  test("adds a camera that has no password beside one that has", async () => {
    await using own = await settled();
    const body = { main: "rtsp://192.0.2.12/main", username: null, password: null };
    expect((await own.ask("PUT", "/api/settings/cameras/shed", body)).statusCode).toBe(200);
    expect(readFileSync(own.secretsFile, "utf8")).toBe(SECRETS);
  });

  test("is tried with the password that is kept, and with it nowhere else", async () => {
    await using own = await settled();
    const body = { main: "rtsp://192.0.2.66/main", camera: "front" };
    const answer = await own.ask("POST", "/api/cameras/test", body);
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ code: "MALFORMED_INPUT", field: "password" });
    expect(answer.json<{ message: string }>().message).toContain("names another host");
  });

  test("never points a camera at a file of the hub's machine", async () => {
    const file = `${FILE.slice(0, FILE.indexOf("\n# Two"))}  - { id: loop, source: ffmpeg, input: /srv/a.mp4 }\n`;
    await using own = await settled({ file });
    for (const [url, body] of [
      ["/api/settings/cameras/new", { source: "ffmpeg", input: "/etc/shadow" }],
      ["/api/settings/cameras/loop", { input: "/etc/shadow" }],
      ["/api/settings/cameras/loop", { main: "rtsp://192.0.2.10/main" }],
    ] as const) {
      const answer = await own.ask("PUT", url, body);
      expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([
        422,
        "SETTINGS_FILE_ONLY",
      ]);
      expect(answer.body).toContain("could read the machine's files");
    }
    expect(own.text()).toBe(file);
    const renamed = await own.ask("PUT", "/api/settings/cameras/loop", { name: "The loop" });
    expect(renamed.statusCode).toBe(200);
    expect(own.text()).toContain("input: /srv/a.mp4");
    expect(renamed.body).not.toContain("/srv/a.mp4");
  });

  test("is refused whole where the ledger's entry stands and the file cannot be written", async () => {
    await using own = await settled();
    const entries = own.entries();
    mkdirSync(`${own.file}.partial`);
    const answer = await own.ask("PUT", "/api/settings/name", { name: "New" });
    expect([answer.statusCode, answer.json()]).toMatchObject([
      500,
      { code: "SETTINGS_NOT_WRITTEN" },
    ]);
    expect(own.text()).toBe(FILE);
    expect((await own.ask("GET", "/api/settings")).json()).toMatchObject({ name: "Old name" });
    // What did not come true, and what holds.
    expect(own.entries()).toBe(entries + 2);
  });
});

describe("a file that somebody changed by hand", () => {
  test("keeps what was written into it, and it comes into force with the next change", async () => {
    await using own = await settled();
    const byHand = own
      .text()
      .replace("# Two weeks, we said.", "# Three, she said.\n")
      .replace("14d", "21d");
    writeFileSync(own.file, byHand);
    const answer = await own.ask("PUT", "/api/settings/name", { name: "New" });
    expect(answer.json<SettingsAnswer>().retention.motion).toBe("21d");
    expect(own.text()).toContain("# Three, she said.");
  });

  test.each([
    ["with a mistake", "name: [\n", "doorward.yaml:2"],
    ["with a setting that is not one", "nam: x\n", "doorward.yaml:1: nam: there is no setting"],
    ["that is no text", "\u0000\ufffe", ""],
  ])("%s is not written over", async (_, text, words) => {
    await using own = await settled();
    writeFileSync(own.file, text);
    for (const [method, url, body] of [
      ["PUT", "/api/settings/name", { name: "New" }],
      ["DELETE", CAMERA, undefined],
    ] as const) {
      const answer = await own.ask(method, url, body);
      expect([answer.statusCode, answer.json()]).toMatchObject([
        409,
        { code: "SETTINGS_UNREADABLE" },
      ]);
      expect(answer.body).toContain(words);
      expect(answer.body).not.toContain(path.dirname(own.file));
    }
    expect(own.text()).toBe(text);
    expect((await own.ask("GET", "/api/settings")).json()).toMatchObject({ name: "Old name" });
  });

  test("of passwords, with a mistake, is not written over, and its words are not passed on", async () => {
    await using own = await settled();
    const text = `front: { pasword: "half-a-secret" }\n`;
    writeFileSync(own.secretsFile, text);
    const answer = await own.ask("PUT", CAMERA, { password: "new" });
    expect([answer.statusCode, answer.json()]).toMatchObject([
      409,
      { code: "SETTINGS_UNREADABLE" },
    ]);
    expect(answer.body).not.toMatch(/secret"|pasword|half/);
    expect(readFileSync(own.secretsFile, "utf8")).toBe(text);
  });
});

describe("a camera's password", () => {
  test("is in one file of mode 0600 and nowhere else, however it was given", async () => {
    await using own = await settled({ secrets: "" });
    const inUrl = `rtsp://door:${encodeURIComponent(PASSWORD)}@192.0.2.20/main`;
    const answers = [
      await own.ask("PUT", "/api/settings/cameras/one", { main: inUrl, sub: inUrl }),
      await own.ask("PUT", "/api/settings/cameras/two", {
        ...{ main: "rtsp://192.0.2.21/main", username: "door", password: PASSWORD },
      }),
      await own.ask("GET", "/api/settings"),
      await own.ask("GET", "/api/health"),
      await own.ask("GET", "/api/ledger/entries"),
    ];
    for (const answer of answers) {
      expect(answer.statusCode).toBe(200);
      expect(answer.body).not.toContain(PASSWORD);
      expect(answer.body).not.toContain(encodeURIComponent(PASSWORD));
    }
    expect(answers[2]?.json<SettingsAnswer>().cameras[2]).toMatchObject({
      ...{ id: "one", main: "rtsp://192.0.2.20/main", sub: "rtsp://192.0.2.20/main" },
      ...{ username: "door", hasPassword: true },
    });
    expect(statSync(own.secretsFile).mode & 0o777).toBe(0o600);
    const again = await readSettings(path.dirname(own.file), null, {});
    expect(again.cameras.slice(2)).toMatchObject([{ password: PASSWORD }, { password: PASSWORD }]);
    const folder = path.dirname(own.file);
    const holding = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .map((name) => path.join(folder, name))
      .filter((name) => statSync(name).isFile() && readFileSync(name).includes("gH7#x"));
    expect(holding).toEqual([own.secretsFile]);
    expect(own.hub.log.join("\n")).not.toContain("gH7#x");
  });

  test("stays when it is not named, goes with null, and goes with its camera", async () => {
    await using own = await settled();
    const has = async (): Promise<unknown> => {
      const [front] = (await own.ask("GET", "/api/settings")).json<SettingsAnswer>().cameras;
      return [front?.id, front?.hasPassword];
    };
    await own.ask("PUT", CAMERA, { name: "Door" });
    expect(await has()).toEqual(["front", true]);
    expect(readFileSync(own.secretsFile, "utf8")).toContain("# from the installer");
    await own.ask("PUT", CAMERA, { password: null });
    expect(await has()).toEqual(["front", false]);
    await own.ask("PUT", CAMERA, { password: "second" });
    expect((await own.ask("DELETE", CAMERA)).statusCode).toBe(200);
    expect(own.text()).not.toContain("Front door");
    expect(readFileSync(own.secretsFile, "utf8")).not.toContain("second");
    expect((await own.ask("DELETE", CAMERA)).statusCode).toBe(404);
  });

  test("does not go to another host unless it is given again", async () => {
    await using own = await settled();
    for (const body of [
      { main: "rtsp://198.51.100.6/main" },
      { main: "rtsp://192.0.2.10:5554/main" },
      { sub: "rtsp://198.51.100.6/sub" },
    ]) {
      const answer = await own.ask("PUT", CAMERA, body);
      expect([answer.statusCode, answer.json()]).toMatchObject([422, { field: "password" }]);
    }
    expect(own.text()).toBe(FILE);
    const moved = await own.ask("PUT", CAMERA, { main: "rtsp://198.51.100.6/main", password: "x" });
    expect(moved.statusCode).toBe(200);
    const path2 = await own.ask("PUT", CAMERA, { main: "rtsp://198.51.100.6/other" });
    expect(path2.statusCode).toBe(200);
  });

  test("of the environment goes first, so none is taken here, and no other host gets it", async () => {
    await using own = await settled({ environment: { DOORWARD_CAMERA_FRONT_PASSWORD: "outer" } });
    for (const body of [{ password: "inner" }, { main: "rtsp://198.51.100.6/main" }]) {
      const answer = await own.ask("PUT", CAMERA, body);
      expect([answer.statusCode, answer.json()]).toMatchObject([422, { field: "password" }]);
      expect(answer.body).toContain("environment");
    }
  });

  test.each([
    "rtsp://admin:12#3@192.0.2.10/main",
    "rtsp://admin:12/3@192.0.2.10/main",
    "rtsp://admin:12?3@192.0.2.10/main",
    "rtsp://admin:12%@192.0.2.10/main",
  ])("that an address leaves in doubt is not guessed at: %s", async (main) => {
    await using own = await settled();
    const answer = await own.ask("PUT", "/api/settings/cameras/new", { main });
    expect([answer.statusCode, answer.json()]).toMatchObject([422, { field: "main" }]);
    expect(answer.body).not.toContain("admin");
    expect(own.text()).toBe(FILE);
  });
});
