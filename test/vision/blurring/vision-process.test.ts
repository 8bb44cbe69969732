import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { fragmentBytes } from "../../../src/camera/fragments.ts";
import { parseCameraId } from "../../../src/protocol/ids.ts";
import type { BlurFootage } from "../../../src/vision/blur-footage.ts";
import {
  FOOTAGE_IN_PIPE,
  FOOTAGE_OUT_PIPE,
  readVisionMessage,
  type FromVision,
  type ToVision,
  type VisionMessage,
} from "../../../src/vision-process/messages.ts";
import { encodeFootage, fromVisionReader } from "../../../src/vision-process/pipe.ts";
import { scanProcessTree } from "../../support/memory-scan.ts";
import { missingCommands, sharedPath } from "../../support/requirements.ts";
import { segmentsOf } from "./ground.ts";

const ENTRY = fileURLToPath(new URL("../../../src/vision-main.ts", import.meta.url));
const CAMERA = parseCameraId("front");
const RULES = { cover: "faces", plates: false, mode: "live" } as const;

/** The vision process, as the ingest process starts it. */
class Vision implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #said: (FromVision | VisionMessage)[] = [];
  readonly #waiting = new Set<() => void>();
  readonly ended: Promise<number | null>;

  constructor() {
    const { PATH } = process.env;
    this.#child = fork(ENTRY, [], {
      serialization: "json",
      env: { PATH },
      stdio: ["ignore", "ignore", "ignore", "ipc", "pipe", "pipe"],
    });
    this.ended = new Promise((resolve) => this.#child.once("exit", (code) => resolve(code)));
    const reader = fromVisionReader(
      () => undefined,
      (message) => this.#take(message),
    );
    this.#pipe(FOOTAGE_OUT_PIPE).on("data", (chunk: Uint8Array) => reader.push(chunk));
    this.#pipe(FOOTAGE_IN_PIPE).on("error", () => undefined);
    this.#child.on("message", (value) => this.#take(readVisionMessage(value)));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get said(): readonly (FromVision | VisionMessage)[] {
    return this.#said;
  }

  tell(message: ToVision): void {
    this.write(encodeFootage(message));
  }

  write(parts: readonly Uint8Array[]): void {
    for (const part of parts) this.#pipe(FOOTAGE_IN_PIPE).write(part);
  }

  stop(): void {
    this.#child.send({ type: "stop" });
  }

  /** The first message of a type, once it has come. */
  async first<Type extends (FromVision | VisionMessage)["type"]>(
    type: Type,
  ): Promise<Extract<FromVision | VisionMessage, { type: Type }>> {
    for (;;) {
      const found = this.#said.find((message) => message.type === type);
      if (found) return found as Extract<FromVision | VisionMessage, { type: Type }>;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  #pipe(descriptor: number): Duplex {
    const pipe = (this.#child.stdio as readonly unknown[])[descriptor];
    if (!(pipe instanceof Duplex)) throw new Error("no pipe");
    return pipe;
  }

  #take(message: FromVision | VisionMessage): void {
    this.#said.push(message);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

describe.skipIf(missingCommands("ffmpeg", "bwrap"))("the vision process", () => {
  const drawn = (frames: number): BlurFootage => {
    const [segment] = segmentsOf(
      ["-f", "lavfi", "-i", "testsrc2=s=320x192:r=15", "-frames:v", String(frames)],
      { segmentFrames: frames },
    );
    if (!segment) throw new Error("no footage");
    return segment;
  };

  test("blurs what it is sent, keeps nothing of it in memory, and ends when told to", async () => {
    await using vision = new Vision();
    // In a unit that decoders pass over, so that it stands in the footage and in no picture.
    const marker = randomBytes(48).map((byte) => byte | 1);
    const footage = marked(drawn(10), marker);
    vision.tell({ type: "begin", job: 1, camera: CAMERA, rules: RULES });
    vision.tell({ type: "segment", job: 1, ...footage });
    vision.tell({ type: "end", job: 1 });
    const answer = await vision.first("segment");
    expect(answer).toMatchObject({
      ...{ job: 1, segment: 0, outcome: "blurred", reason: null },
      ...{ frames: 10, framesLooked: 10 },
    });
    const posters = vision.said.filter(({ type }) => type === "poster");
    expect(posters.map((poster) => "rendition" in poster && poster.rendition)).toEqual([
      "original",
      "blurred",
    ]);
    expect(await scanProcessTree(vision.pid, [marker])).toEqual([]);
    // Nor of the clear still, once it has left.
    const still = (await vision.first("poster")).jpeg;
    const middle = Buffer.from(still.subarray(still.length >> 1, (still.length >> 1) + 48));
    await expect.poll(() => scanProcessTree(vision.pid, [middle])).toEqual([]);
    // What looks for it does find it: sent to a job that waits for more, it is there.
    vision.tell({ type: "begin", job: 2, camera: CAMERA, rules: RULES });
    vision.tell({ type: "segment", job: 2, ...footage });
    await expect.poll(() => scanProcessTree(vision.pid, [marker])).not.toEqual([]);
    vision.stop();
    expect(await vision.ended).toBe(0);
  });

  const photograph = sharedPath("media/images/faceapi_sample1.jpg");
  test.skipIf(photograph === null)(
    "looks for objects while a recording waits to be blurred",
    async () => {
      const [seen] = segmentsOf(
        [
          ...["-loop", "1", "-framerate", "15", "-i", photograph ?? "", "-frames:v", "2"],
          ...["-vf", "scale=640:-2"],
        ],
        { segmentFrames: 2 },
      );
      if (!seen) throw new Error("no footage");
      await using vision = new Vision();
      vision.tell({ type: "begin", job: 1, camera: CAMERA, rules: RULES });
      vision.tell({ type: "segment", job: 1, ...drawn(90) });
      vision.tell({ type: "end", job: 1 });
      vision.tell({ type: "look", look: 7, camera: CAMERA });
      const { init, fragments } = seen;
      vision.tell({ type: "look-footage", look: 7, init, fragments });
      const objects = await vision.first("objects");
      expect(objects).toMatchObject({ look: 7, atMs: fragments[0]?.wallClockMs });
      expect(objects.objects.map(({ kind }) => kind)).toContain("person");
      expect(vision.said.some(({ type }) => type === "segment")).toBe(false);
    },
  );

  test.each([
    ["bytes that are no message", [randomBytes(64)]],
    [
      "a segment of a job that never began",
      encodeFootage({ type: "segment", job: 9, ...drawn(2) }),
    ],
    [
      "a job that began already",
      [1, 1].flatMap(() => [
        ...encodeFootage({ type: "begin", job: 1, camera: CAMERA, rules: RULES }),
      ]),
    ],
  ])("ends at %s", async (_name, parts) => {
    await using vision = new Vision();
    vision.write(parts);
    expect(await vision.ended).not.toBe(0);
  });
});

/** With a unit of user data before each picture. */
function marked({ fragments, ...rest }: BlurFootage, marker: Uint8Array): BlurFootage {
  const data = Buffer.concat([
    // SEI, unregistered user data (type 5), and its end.
    Buffer.from([6, 5, 16 + marker.length]),
    randomBytes(16).map((byte) => byte | 1),
    marker,
    Buffer.from([0x80]),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return {
    ...rest,
    fragments: fragments.map((fragment, sequence) => ({
      ...fragment,
      bytes: fragmentBytes("video", {
        sequence,
        decodeTicks: Math.round(fragment.decodeTimeMs * 90),
        durationTicks: Math.round(fragment.durationMs * 90),
        compositionTicks: 0,
        keyFrame: fragment.keyFrame,
        bytes: Buffer.concat([length, data, fragment.bytes.subarray(112)]),
      }),
    })),
  };
}
