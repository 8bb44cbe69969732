import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateReader, type ReaderKey } from "../../src/owner/identity.ts";
import { cliOwner, type CliOwner } from "../support/cli-owner.ts";
import { runCli } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { clipStartsAtMs } from "../support/test-clips.ts";
import { requestDocument } from "../support/test-consent.ts";
import { firstClip, startTestHub, type TestHub } from "../support/test-hub.ts";

const run = promisify(execFile);
const lacks = missingCommands("ffmpeg", "ffprobe");

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly purpose: string;
  readonly requester: { readonly name: string };
}

/** From the form to the opened recording, each step as its own person at a command line. */
describe.skipIf(lacks)("the whole way at the command line", () => {
  const folder = temporaryFolder();
  const at = (name: string): string => path.join(folder.path, name);
  let hub: TestHub;
  let owner: CliOwner;
  let recipient: ReaderKey;
  let statusUrl = "";
  beforeAll(async () => {
    hub = await startTestHub({
      clips: 1,
      footage: "real",
      kind: "pq",
      nowMs: "system",
      outside: true,
    });
    owner = cliOwner(folder.path, hub.owner.bundle, hub.hub.url);
    recipient = await generateReader("x25519");
    writeFileSync(at("key.txt"), `# a recipient's key\n${recipient.identity}\n`);
    writeFileSync(at("other.txt"), (await generateReader("x25519")).identity);
    const document = requestDocument({
      recipient: recipient.recipient,
      kind: "police_emergency",
      urgency: "emergency",
    });
    writeFileSync(at("request.json"), JSON.stringify(document));
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const stranger = (...args: string[]) => runCli(args, folder.path);

  test("the owner makes a form, and its requester fills it in", async () => {
    const form = await owner.json<{ token: string; url: string }>("form", "--out", at("form.html"));
    expect(form.token).toMatch(/^[0-9a-f]{64}$/);
    expect(form.url).toBe(`${hub.hub.outsideUrl}/intake`);
    const files = [
      "--form",
      at("form.html"),
      "--file",
      at("request.json"),
      "--out",
      at("my.request"),
    ];
    const { code, stdout, stderr } = await stranger("request", ...files);
    expect(code, stderr).toBe(0);
    statusUrl = stdout.trim();
    expect(statusUrl.startsWith(`${hub.hub.outsideUrl}/status/`)).toBe(true);
    expect(readFileSync(at("my.request"), "utf8")).not.toMatch(/Requester|parcel/);
  });

  test("until there is an answer, there is nothing to fetch", async () => {
    const early = await stranger("export", statusUrl, "--out", at("early.zip"));
    expect(early.code).toBe(1);
    expect(early.stderr).toContain("It always looks the same");
    expect(existsSync(at("early.zip"))).toBe(false);
  });

  test("the owner imports it once, and reads who asks for what", async () => {
    const imported = await owner.json<{ request: string; statusUrl: string }>(
      "import",
      at("my.request"),
    );
    expect(imported.statusUrl).toBe(statusUrl);
    const again = await owner.owner("import", at("my.request"));
    expect([again.code, again.stderr]).toEqual([
      1,
      "Cannot take request: this form was used or has expired\n",
    ]);
    const [asked] = await owner.json<Listed[]>("requests");
    expect(asked).toMatchObject({ id: imported.request, state: "received" });
    expect(asked?.requester.name).toBe("A. Requester");
    const shown = await owner.owner("requests");
    expect(shown.stdout).toContain("Says that it is an emergency. That changes nothing.");
  });

  test("approves four seconds of ten, for the key that the request names and for no other", async () => {
    const [asked] = await owner.json<Listed[]>("requests");
    const startMs = clipStartsAtMs(0);
    const range = [startMs + 5_000, startMs + 6_000].map((ms) => new Date(ms).toISOString());
    const cut = ["--clip", firstClip(hub), "--from", range[0] ?? "", "--to", range[1] ?? ""];
    const diverted = await owner.owner(
      "approve",
      asked?.id ?? "",
      ...cut,
      "--recipient",
      (await generateReader("x25519")).recipient,
    );
    expect(diverted.code).toBe(1);
    const approved = await owner.json<{ statusUrl: string; decision: { payload: string } }>(
      "approve",
      asked?.id ?? "",
      ...cut,
    );
    expect(approved.statusUrl).toBe(statusUrl);
    const twice = await owner.owner("approve", asked?.id ?? "", ...cut);
    expect(twice.code).toBe(1);
  });

  test("the recipient fetches the bundle and checks it without any hub", async () => {
    expect((await stranger("export", statusUrl, "--out", at("bundle.zip"))).code).toBe(0);
    const verified = await stranger("verify", at("bundle.zip"), "--json");
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      holds: true,
      outcome: "approved_in_part",
      files: 1,
      // Approving cosigns the ledger, so the bundle is witnessed when it is made.
      cosignedBy: 1,
    });
    const bytes = readFileSync(at("bundle.zip"));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(at("altered.zip"), bytes);
    expect((await stranger("verify", at("altered.zip"))).code).toBe(1);
    expect((await stranger("verify", at("request.json"))).code).toBe(2);
    expect((await stranger("verify", at("nothing.zip"))).code).toBe(2);
  });

  test("opens it with the right key: four seconds that play; with another or altered: nothing", async () => {
    const open = (bundle: string, key: string, out: string) =>
      stranger("open", at(bundle), "--identity", at(key), "--out", at(out));
    expect((await open("bundle.zip", "other.txt", "out-other")).code).toBe(1);
    expect((await open("altered.zip", "key.txt", "out-altered")).code).toBe(1);
    for (const name of ["out-other", "out-altered"]) expect(existsSync(at(name))).toBe(false);
    const { code, stdout, stderr } = await open("bundle.zip", "key.txt", "out");
    expect(code, stderr).toBe(0);
    const movies = readdirSync(at("out")).filter((name) => name.endsWith(".mp4"));
    expect(movies).toEqual(["front-2026-11-21T200004.mp4"]);
    const probe = ["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames"];
    const frames = await run("ffprobe", [...probe, "-of", "csv=p=0", stdout.trim()]);
    expect(frames.stdout.trim()).toBe("40");
  });

  test("the owner opens the whole of it, and the ledger tells who got what", async () => {
    const opened = await owner.owner("open", firstClip(hub), "--out", at("whole.mp4"));
    expect(opened.code, opened.stderr).toBe(0);
    const probe = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"];
    const { stdout } = await run("ffprobe", [...probe, at("whole.mp4")]);
    expect(Number(stdout)).toBeCloseTo(10, 0);
    const ledger = await owner.json<{ entries: { entry: { kind: string } }[] }>("ledger");
    const kinds = ledger.entries.map(({ entry }) => entry.kind);
    for (const kind of ["clip", "request", "decision", "release", "access", "view"])
      expect(kinds).toContain(kind);
  });

  test("what is typed from a letter and refused gives the requester the same nothing", async () => {
    const typed = await owner.json<{ request: string; statusUrl: string }>(
      "request",
      "--file",
      at("request.json"),
    );
    expect((await owner.owner("refuse", typed.request)).stdout).toContain("Refused.");
    const refused = await stranger("export", typed.statusUrl, "--out", at("refused.zip"));
    const invented = typed.statusUrl.replace(/[^/]+$/, "0".repeat(64));
    const unknown = await stranger("export", invented, "--out", at("unknown.zip"));
    expect([refused.code, refused.stderr]).toEqual([unknown.code, unknown.stderr]);
    expect(refused.code).toBe(1);
  });

  test("a form is taken by the outside listener once", async () => {
    const form = await owner.json<{ url: string }>("form", "--out", at("second.html"));
    const files = ["--form", at("second.html"), "--file", at("request.json")];
    expect((await stranger("request", ...files, "--out", at("second.request"))).code).toBe(0);
    const post = () =>
      fetch(form.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: readFileSync(at("second.request")),
      });
    expect((await post()).status).toBe(200);
    expect((await post()).status).toBe(410);
    expect(await owner.json<Listed[]>("requests")).toHaveLength(3);
  });

  test("a wrong field in a request is named, and nothing is written", async () => {
    const document = { ...requestDocument(), narrative: "x".repeat(8_001) };
    writeFileSync(at("wrong.json"), JSON.stringify(document));
    const { code, stderr } = await owner.owner("request", "--file", at("wrong.json"));
    expect(code).toBe(1);
    expect(stderr).toContain("narrative");
    expect(await owner.json<Listed[]>("requests")).toHaveLength(3);
  });
});
