import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChimePlayer } from "../../src/notify/chime-player.ts";
import {
  CHIME_SOUNDS,
  drawChime,
  drawSilence,
  SAMPLES_PER_SECOND,
} from "../../src/notify/chime-sounds.ts";
import { Chime, type ChimeRules } from "../../src/notify/chime.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { missingCommands } from "../support/requirements.ts";

// The chime in the house: what is drawn is what a sound card is given, by the machine's own player.

const HEADER_BYTES = 44;
const samplesOf = (wav: Uint8Array): Int16Array =>
  new Int16Array(wav.buffer.slice(wav.byteOffset + HEADER_BYTES, wav.byteOffset + wav.length));
const loudest = (wav: Uint8Array): number =>
  samplesOf(wav).reduce((most, each) => Math.max(most, Math.abs(each)), 0);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "doorward-chime-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A sound card that writes what it is given to a file, and that nothing else knows. */
function card(name = "card"): { environment: NodeJS.ProcessEnv; file: string } {
  const file = path.join(folder, `${name}.raw`);
  const config = path.join(folder, `${name}.conf`);
  writeFileSync(
    config,
    `pcm.!default { type file slave.pcm "null" file "${file}" format "raw" }\npcm.null { type null }\n`,
  );
  return { environment: { PATH: process.env["PATH"], ALSA_CONFIG_PATH: config }, file };
}

/** A player that does what `script` says, first in the path. */
function fakePlayer(script: string, name = "aplay"): NodeJS.ProcessEnv {
  const programs = path.join(folder, "programs");
  mkdirSync(programs, { recursive: true });
  const program = path.join(programs, name);
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  return { PATH: `${programs}:/usr/bin:/bin`, HOME: folder };
}
const lines = async (name: string): Promise<string[]> =>
  existsSync(path.join(folder, name))
    ? (await readFile(path.join(folder, name), "utf8")).trim().split("\n")
    : [];
const temporary = (): string[] =>
  readdirSync(folder).filter((name) => name.startsWith("doorward-chime-"));
const playerOf = (environment: NodeJS.ProcessEnv, playMaxMs?: number): ChimePlayer =>
  new ChimePlayer({
    ...{ environment, temporaryDirectory: folder },
    ...(playMaxMs === undefined ? {} : { playMaxMs }),
  });

describe("the sounds", () => {
  test.each(CHIME_SOUNDS)("%s is heard, is not torn off, and is the same every time", (sound) => {
    const wav = drawChime(sound, 100);
    expect(Buffer.from(wav.subarray(0, 4)).toString("latin1")).toBe("RIFF");
    const samples = samplesOf(wav);
    expect(samples.length / 2 / SAMPLES_PER_SECOND).toBeLessThanOrEqual(3);
    expect(loudest(wav)).toBeGreaterThan(10_000);
    expect(loudest(wav)).toBeLessThan(32_767);
    expect(samples[0]).toBe(0);
    expect(Math.abs(samples.at(-1) ?? 1)).toBeLessThan(50);
    expect(drawChime(sound, 100)).toEqual(wav);
  });

  test("differ from each other, and get fainter with the volume down to nothing", () => {
    expect(new Set(CHIME_SOUNDS.map((sound) => drawChime(sound, 50).length)).size).toBe(3);
    expect(loudest(drawChime("bell", 50))).toBeLessThan(loudest(drawChime("bell", 100)) / 3);
    expect(loudest(drawChime("bell", 0))).toBe(0);
    expect(loudest(drawSilence(0.1))).toBe(0);
  });
});

describe.skipIf(missingCommands("aplay"))("played by aplay", () => {
  test("what the sound card is given is what was drawn, sample by sample", async () => {
    const { environment, file } = card();
    const wav = drawChime("two-tones", 80);
    expect(await playerOf(environment).play(wav, "default")).toBeNull();
    const given = await readFile(file);
    expect(given.subarray(0, wav.length - HEADER_BYTES)).toEqual(
      Buffer.from(wav.subarray(HEADER_BYTES)),
    );
    expect(given.subarray(wav.length - HEADER_BYTES).every((byte) => byte === 0)).toBe(true);
    expect(temporary()).toEqual([]);
  });

  test("where there is no sound card, it is said what to do", async () => {
    const config = path.join(folder, "none.conf");
    writeFileSync(config, "\n");
    const environment = { PATH: process.env["PATH"], ALSA_CONFIG_PATH: config };
    const problem = await playerOf(environment).play(drawSilence(0.1), "default");
    expect(problem).toMatchObject({
      code: "NO_SOUND_DEVICE",
      message: expect.stringContaining("set chime.device in the settings file"),
    });
  });
});

describe("a player", () => {
  test("that is not there is named, with what to install", async () => {
    const problem = await playerOf({ PATH: folder }).play(drawSilence(0.1), "default");
    expect(problem).toMatchObject({ code: "NO_PLAYER" });
    expect(problem?.message).toContain("apt install alsa-utils");
  });

  test("that fails gives way to the next one there is", async () => {
    fakePlayer(`echo paplay >> ${folder}/played`, "paplay");
    const environment = fakePlayer(`echo aplay >> ${folder}/played; exit 1`);
    expect(await playerOf(environment).play(drawSilence(0.1), "default")).toBeNull();
    expect(await lines("played")).toEqual(["aplay", "paplay"]);
  });

  test("that hangs is ended, and the next ring is heard", async () => {
    const environment = fakePlayer(`echo begun >> ${folder}/played; exec sleep 60`);
    const player = playerOf(environment, 200);
    expect(await player.play(drawSilence(0.1), "default")).toMatchObject({
      code: "CHIME_TOO_SLOW",
    });
    expect(await player.play(drawSilence(0.1), "default")).toMatchObject({
      code: "CHIME_TOO_SLOW",
    });
    expect(await lines("played")).toEqual(["begun", "begun"]);
    expect(temporary()).toEqual([]);
  });

  test("is given no shell, none of the hub's environment, and never a second sound at once", async () => {
    const gate = path.join(folder, "gate");
    const environment = {
      ...fakePlayer(
        `echo "$@" >> ${folder}/played; env > ${folder}/env; while [ ! -e ${gate} ]; do sleep 0.02; done`,
      ),
      DOORWARD_CAMERA_FRONT_PASSWORD: "open-sesame",
    };
    const player = playerOf(environment);
    const first = player.play(drawSilence(0.1), "a;touch x");
    await vi.waitUntil(async () => (await lines("played")).length === 1);
    expect(await player.play(drawSilence(0.1), "default")).toMatchObject({ code: "CHIME_BUSY" });
    writeFileSync(gate, "");
    expect(await first).toBeNull();
    expect(await lines("played")).toEqual([expect.stringContaining("-D a;touch x ")]);
    expect((await lines("env")).join("\n")).not.toContain("open-sesame");
  });

  test("that is only tried silently gives way to a ring", async () => {
    const environment = fakePlayer(
      `echo begun >> ${folder}/played; [ -e ${folder}/ring ] || exec sleep 60`,
    );
    const player = playerOf(environment);
    const probe = player.probe(drawSilence(0.1), "default");
    await vi.waitUntil(async () => (await lines("played")).length === 1);
    writeFileSync(path.join(folder, "ring"), "");
    expect(await player.play(drawSilence(0.1), "default")).toBeNull();
    expect(await probe).toMatchObject({ code: "CHIME_BUSY" });
    expect(await lines("played")).toHaveLength(2);
  });
});

describe("a ring", () => {
  const AUDIO = { sound: "knock", volume: 50, device: "default" } as const;
  const MQTT = { topic: "house/chime", payload: "ring" };
  let rules: ChimeRules | null;
  let isQuiet: boolean;
  let published: string[];
  function chimeOf(publish?: () => Promise<void>): Chime {
    const environment = fakePlayer(`echo "$3" >> ${folder}/played`);
    return new Chime({
      player: playerOf(environment),
      ...{ rules: () => rules, isQuiet: () => isQuiet, nowMs: () => 7, onTried: () => undefined },
      publish: publish ?? (async (topic, payload) => void published.push(`${topic} ${payload}`)),
    });
  }
  beforeEach(() => {
    [rules, isQuiet, published] = [{ audio: AUDIO, mqtt: MQTT }, false, []];
  });

  test("sounds and is published; in quiet hours neither, unless it is tried", async () => {
    using chime = chimeOf();
    chime.ring();
    await vi.waitUntil(() => chime.tried.audio !== null);
    expect([await lines("played"), published]).toEqual([["default"], ["house/chime ring"]]);
    isQuiet = true;
    chime.ring();
    expect(await chime.sound()).toEqual({
      audio: { atMs: 7, problem: null },
      mqtt: { atMs: 7, problem: null },
    });
    expect([await lines("played"), published]).toEqual([
      ["default", "default"],
      ["house/chime ring", "house/chime ring"],
    ]);
  });

  test("says of each way by itself what went wrong", async () => {
    using chime = chimeOf(async () => {
      throw new HubError("NOT_PUBLISHED", "Cannot publish: the broker does not answer");
    });
    const { audio, mqtt } = await chime.sound();
    expect(audio?.problem).toBeNull();
    expect(mqtt?.problem).toMatchObject({ code: "NOT_PUBLISHED" });
    expect(chime.tried.mqtt?.problem).toMatchObject({ code: "NOT_PUBLISHED" });
  });

  test("does nothing where no chime is set", async () => {
    rules = null;
    using chime = chimeOf();
    chime.probe();
    expect(await chime.sound()).toEqual({ audio: null, mqtt: null });
    expect(published).toEqual([]);
    expect(await lines("played")).toEqual([]);
  });
});
