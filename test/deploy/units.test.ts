import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decoderUnit } from "../../src/base/decoder-unit.ts";
import { SandboxedChild } from "../../src/base/sandbox.ts";
import { transcodeArguments } from "../../src/camera/transcode-child.ts";
import { missingCommands, projectRoot } from "../support/requirements.ts";

const FOLDER = path.join(projectRoot, "config/systemd");
const FFMPEG = "/usr/bin/ffmpeg";

function valuesOf(unit: string, key: string): string[] {
  return readFileSync(path.join(FOLDER, unit), "utf8")
    .split("\n")
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1));
}

describe.skipIf(missingCommands("systemd-analyze"))("what the units leave open", () => {
  test.each([
    ["doorward.service", 1.5],
    ["doorward-decoder@.service", 0.5],
  ])("%s scores at most %d", (unit, most) => {
    const said = execFileSync(
      "systemd-analyze",
      ["security", "--offline=true", "--no-pager", path.join(FOLDER, unit)],
      { encoding: "utf8" },
    );
    const score = /Overall exposure level for [^:]+: ([\d.]+)/.exec(said)?.[1];
    expect(Number(score)).toBeLessThanOrEqual(most);
  });
});

test("no unit leaves a core file or swaps its memory out", () => {
  for (const unit of ["doorward.service", "doorward-decoder@.service"]) {
    expect(valuesOf(unit, "LimitCORE")).toEqual(["0"]);
    expect(valuesOf(unit, "CoredumpFilter")).toEqual(["0"]);
    expect(valuesOf(unit, "MemorySwapMax")).toEqual(["0"]);
  }
});

test("what was scored is what is used: the hub asks for the unit, the unit starts the launcher", () => {
  const [socket] = valuesOf("doorward-decoder.socket", "ListenStream");
  expect(valuesOf("doorward.service", "Environment")).toContain(`DOORWARD_DECODER=${socket}`);
  expect(valuesOf("doorward.service", "RestrictNamespaces")).toEqual(["yes"]);
  expect(valuesOf("doorward-decoder.socket", "Accept")).toEqual(["yes"]);
  expect(valuesOf("doorward-decoder@.service", "StandardInput")).toEqual(["socket"]);
  for (const unit of ["doorward.service", "doorward-decoder@.service"]) {
    const start = valuesOf(unit, "ExecStart")[0] ?? "";
    const file = /\/opt\/doorward\/current\/(\S+)/.exec(start)?.[1] ?? "none";
    expect(existsSync(path.join(projectRoot, file)), file).toBe(true);
  }
});

test("what covers faces may stand back behind what records", () => {
  expect(valuesOf("doorward.service", "SystemCallFilter").at(-1)).toContain("setpriority");
});

const withoutDecoder = missingCommands("systemd-socket-activate", "perl", "ffmpeg");

describe.skipIf(withoutDecoder)("a decoder behind its socket", () => {
  let folder: string;
  let socket: string;
  let server: ChildProcess;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), "doorward-decoder-"));
    socket = path.join(folder, "decoder.sock");
    // What Accept=yes with StandardInput=socket is, without the walls of the unit.
    const launcher = path.join(projectRoot, "src/base/decoder-launcher.pl");
    const words = ["--accept", "--inetd", "-l", socket, "/usr/bin/perl", launcher];
    server = spawn("systemd-socket-activate", words, { stdio: "ignore" });
    while (!existsSync(socket)) await sleep(20);
  });
  afterAll(() => {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(command: readonly string[], input?: Uint8Array) {
    const stdin = input ? "pipe" : "ignore";
    await using child = await SandboxedChild.start({ command, stdin }, { socket, ffmpeg: FFMPEG });
    const parts: Buffer[] = [];
    child.stdout.on("data", (part: Buffer) => parts.push(part));
    if (input) child.stdin.end(input);
    const { code, inWords } = await child.exited;
    return { code, inWords, output: Buffer.concat(parts) };
  }
  const quiet = ["-hide_banner", "-nostdin", "-loglevel", "error"];
  const scene = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=5:duration=1"];
  const movie = ["-movflags", "empty_moov+default_base_moof+frag_every_frame", "pipe:1"];

  test("draws, and reads what another one wrote", async () => {
    const drawn = await run([FFMPEG, ...quiet, ...scene, "-c:v", "libx264", "-f", "mp4", ...movie]);
    expect(drawn.code).toBe(0);
    const again = await run([FFMPEG, ...transcodeArguments("setsar=1")], drawn.output);
    expect(again.code).toBe(0);
    expect(again.output.subarray(0, 3).toString("latin1")).toBe("FLV");
  });

  test("ends with the hub's process that asked for it", async () => {
    const raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", "64x48", "-i", "pipe:0"];
    const command = [FFMPEG, ...quiet, "-protocol_whitelist", "pipe", ...raw];
    await using child = await SandboxedChild.start(
      { command: [...command, "-flush_packets", "1", "-f", "rawvideo", "pipe:1"], stdin: "pipe" },
      { socket, ffmpeg: FFMPEG },
    );
    child.stdin.write(new Uint8Array(64 * 48 * 150));
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.stdout.resume();
    child.kill();
    // Its output is closed only once nothing holds it any more, the decoder included.
    expect(await child.exited).toMatchObject({ code: null, signal: "SIGKILL" });
  });

  const input = ["-protocol_whitelist", "pipe", "-f", "mp4", "-i", "pipe:0"];
  const out = ["-f", "rawvideo", "pipe:1"];
  test.each<[string, string[]]>([
    ["another program", ["/bin/cat", ...quiet, ...input, ...out]],
    [
      "a host",
      [FFMPEG, ...quiet, "-protocol_whitelist", "pipe", "-i", "http://192.0.2.1/", ...out],
    ],
    [
      "a protocol more",
      [FFMPEG, ...quiet, "-protocol_whitelist", "pipe,tcp", "-i", "pipe:0", ...out],
    ],
    ["no limit on protocols", [FFMPEG, ...quiet, "-f", "mp4", "-i", "pipe:0", ...out]],
    ["a file to write", [FFMPEG, ...quiet, ...input, "-f", "rawvideo", "/tmp/out"]],
    ["a file by another way", [FFMPEG, ...quiet, ...input, "-vf", "movie=/etc/passwd", ...out]],
    ["a filter behind a quote", [FFMPEG, ...quiet, ...input, "-vf", "scale='1',movie=x", ...out]],
    [
      "a filter in an open quote",
      [FFMPEG, ...quiet, ...input, "-vf", "scale=1:1,select='1,movie=x", ...out],
    ],
    ["a report", [FFMPEG, "-report", ...input, ...out]],
    ["two inputs", [FFMPEG, ...quiet, ...input, "-i", "pipe:0", ...out]],
    ["a script of filters", [FFMPEG, ...quiet, ...input, "-filter_script", "/etc/passwd", ...out]],
  ])("is not started for %s", async (_, command) => {
    const { code, inWords, output } = await run(command);
    expect(code).toBe(126);
    expect(inWords).toMatch(/^the unit for decoders refuses this command: (?!it does not say)/);
    expect(output.length).toBe(0);
  });
});

test("a decoder that could not be asked for says so", async () => {
  const command = [FFMPEG, "-hide_banner", "-version"];
  const wall = { socket: "/run/no-such.sock", ffmpeg: FFMPEG };
  await using child = await SandboxedChild.start({ command, stdin: "ignore" }, wall);
  child.stdout.resume();
  const { inWords } = await child.exited;
  expect(inWords).toBe(
    "the unit for decoders cannot be asked: /run/no-such.sock: No such file or directory",
  );
});

test("a socket that is no path is refused, and none is asked for where none is named", () => {
  expect(decoderUnit({})).toBeNull();
  expect(() => decoderUnit({ DOORWARD_DECODER: "decoder.sock" })).toThrow(/absolute path/);
  expect(decoderUnit({ DOORWARD_DECODER: "/run/x.sock" })?.socket).toBe("/run/x.sock");
});
