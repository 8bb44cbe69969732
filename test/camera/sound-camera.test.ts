import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CameraStream } from "../../src/camera/stream.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  interleaved,
  pictures,
  response,
  rtpPacket,
  startScriptedCamera,
  VIDEO_SDP,
  type CameraScript,
} from "./scripted-camera.ts";

/** G.711 by its number alone, as many doorbells announce it. */
const WITH_SOUND = `${VIDEO_SDP}m=audio 0 RTP/AVP 0\r\na=control:track2\r\n`;
const NTP_SECONDS = 3_997_000_000;
const FRAME_TICKS = 6_000;
const PACKET_MS = 20;

/** A sender report (RFC 3550 section 6.4.1): RTP time 0 is the same instant for both tracks. */
function report(channel: number): Buffer {
  const packet = Buffer.alloc(28);
  packet.set([0x80, 200, 0, 6]);
  packet.writeUInt32BE(7, 4);
  packet.writeUInt32BE(NTP_SECONDS, 8);
  return interleaved(channel, packet);
}

function sound(index: number, payload = Buffer.alloc(160, 0x55)): Buffer {
  const timestamp = index * 160;
  const options = { sequenceNumber: index, timestamp, marker: index === 0, payloadType: 0 };
  return interleaved(2, rtpPacket({ ...options, payload }));
}

/** Plays pictures and sound of `seconds` in real time, but for what is left out. */
async function play(
  write: (bytes: Buffer) => void,
  seconds: number,
  isSent: (index: number) => boolean = () => true,
): Promise<void> {
  const startedMs = performance.now();
  write(Buffer.concat([report(1), report(3)]));
  for (let index = 0; index * PACKET_MS < seconds * 1_000; index += 1) {
    const waitMs = startedMs + index * PACKET_MS - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    // 15 pictures a second beside 50 packets of sound.
    const [before, now] = [index - 1, index].map((each) =>
      Math.floor((each * PACKET_MS * 90) / FRAME_TICKS),
    ) as [number, number];
    if (now > before) write(pictures(1, now)[0] ?? Buffer.alloc(0));
    if (isSent(index)) write(sound(index));
  }
}

async function watch(options: { audio: boolean; script?: CameraScript; sdp?: string }) {
  const camera = await startScriptedCamera(
    options.script ?? (() => undefined),
    options.sdp ?? WITH_SOUND,
  );
  const fragments: Fragment[] = [];
  const stream = CameraStream.start({
    ...{ camera: parseCameraId("front"), role: "main", clock: systemClock },
    source: { kind: "rtsp", url: camera.url, audio: options.audio },
    onFragment: (fragment) => fragments.push(fragment),
    onStatus: () => undefined,
    timing: { silenceMs: 4_000, retryFirstMs: 100, retryMaxMs: 200 },
  });
  const isPlayed = (): boolean => camera.received.join("").includes("PLAY");
  while (!isPlayed()) await sleep(5);
  return {
    camera,
    stream,
    write: (bytes: Buffer) => void camera.sockets().at(-1)?.write(bytes),
    count: (track: "video" | "audio") => fragments.filter((each) => each.track === track).length,
    sound: () => fragments.filter(({ track }) => track === "audio"),
    async [Symbol.asyncDispose]() {
      await stream[Symbol.asyncDispose]();
      await camera[Symbol.asyncDispose]();
    },
  };
}

/** Processes of this one that encode sound. */
function encoders(parent = process.pid): number[] {
  const tasks = `/proc/${parent}/task/${parent}/children`;
  let children: number[] = [];
  try {
    children = readFileSync(tasks, "utf8").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    // Ended since it was listed.
  }
  return children.flatMap((child) => {
    const command = ((): string => {
      try {
        return readFileSync(`/proc/${child}/cmdline`, "utf8");
      } catch {
        return "";
      }
    })();
    const own = command.startsWith("/") && command.includes("asetrate=") ? [child] : [];
    return [...own, ...encoders(child)];
  });
}

describe.skipIf(missingCommands("ffmpeg"))("a camera with telephone sound", () => {
  test("off is off: nothing of it is asked for, and what comes all the same is dropped", async () => {
    await using watched = await watch({ audio: false });
    await play(watched.write, 1.5);
    expect(watched.count("video")).toBeGreaterThan(10);
    expect(watched.count("audio")).toBe(0);
    expect(watched.camera.received.join("")).not.toContain("track2");
    expect(encoders()).toEqual([]);
    expect(watched.stream.status).toMatchObject({ sound: { state: "off" } });
  });

  test("sound that begins late, has holes and stops is a track of its own that follows the picture", async () => {
    await using watched = await watch({ audio: true });
    // From 0.5 s on, every tenth packet missing, and none after 2.5 s.
    await play(watched.write, 3, (index) => index >= 25 && index < 125 && index % 10 !== 3);
    const sounds = watched.sound();
    expect(sounds.length).toBeGreaterThan(80);
    const [first] = sounds;
    expect(first?.init).toMatchObject({ codec: "mp4a.40.2", timescale: 48_000 });
    for (const [index, { decodeTimeMs, sequence }] of sounds.entries()) {
      expect(sequence).toBe((first?.sequence ?? 0) + index);
      expect(decodeTimeMs).toBeCloseTo((first?.decodeTimeMs ?? 0) + (index * 1_024) / 48, 3);
    }
    expect(Math.abs((first?.decodeTimeMs ?? 0) - 500)).toBeLessThan(25);
    const endMs = (sounds.at(-1)?.decodeTimeMs ?? 0) + 1_024 / 48;
    expect(endMs).toBeGreaterThan(2_350);
    expect(endMs).toBeLessThan(2_530);
    expect(watched.count("video")).toBeGreaterThan(40);
  });

  test("an encoder that is killed costs sound only, is said, and comes back", async () => {
    await using watched = await watch({ audio: true });
    const playing = play(watched.write, 5);
    while (watched.count("audio") < 20) await sleep(10);
    const [encoder] = encoders();
    expect(encoder).toBeGreaterThan(0);
    if (encoder) process.kill(encoder, "SIGKILL");
    const before = watched.count("video");
    while (encoders().includes(encoder ?? 0)) await sleep(10);
    const atKill = watched.count("audio");
    await playing;
    expect(watched.count("video")).toBeGreaterThan(before + 20);
    expect(watched.count("audio")).toBeGreaterThan(atKill + 20);
    expect(watched.camera.connections()).toBe(1);
  });

  test("a camera that refuses to send the sound it announces still gives its pictures", async () => {
    await using watched = await watch({
      audio: true,
      script: (request) =>
        request.method === "SETUP" && request.uri.endsWith("track2")
          ? response(request, "461 Unsupported Transport")
          : undefined,
    });
    await play(watched.write, 1);
    expect(watched.count("video")).toBeGreaterThan(8);
    expect(watched.count("audio")).toBe(0);
    expect(watched.stream.status).toMatchObject({
      state: "streaming",
      sound: { state: "failing", message: expect.stringContaining("refuses to send") },
    });
  });
});
