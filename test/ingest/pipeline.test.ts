import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { LiveSender } from "../../src/camera/live-sender.ts";
import { TranscodeBudget } from "../../src/camera/transcode-cost.ts";
import type { FromIngest } from "../../src/ingest/messages.ts";
import { endCamera, startCamera } from "../../src/ingest/pipeline.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { startHostileCamera } from "../support/hostile-rtsp.ts";

const WAIT = { timeout: 20_000 };

test("a disk that hangs keeps no camera connected", async () => {
  const open = new Set<unknown>();
  await using camera = await startHostileCamera(
    {
      name: "an honest one",
      becomes: "streaming",
      answer: ({ method, socket }) => {
        if (method !== "PLAY") return undefined;
        open.add(socket);
        socket.once("close", () => open.delete(socket));
        return undefined;
      },
    },
    "",
  );
  const settings: CameraSettings = {
    ...{ id: "front", name: "Front", source: "rtsp", main: camera.url, sub: null },
    ...{ audio: false, faces: "keep", allowBasic: false, username: null, password: null },
  };
  const said: FromIngest[] = [];
  const pipeline = startCamera(settings, {
    ...{ clipsDirectory: "/nowhere", ffmpegPath: "ffmpeg", readers: () => null },
    budget: new TranscodeBudget({ measure: () => Promise.reject(new Error("nobody asks")) }),
    live: new LiveSender(new Writable({ write: (_chunk, _encoding, done) => done() })),
    send: (message) => void said.push(message),
    isStopping: () => false,
  });
  const states = (): unknown[] =>
    said.map((message) => (message.type === "camera" ? message.report.state : null));
  await expect.poll(states, WAIT).toContain("streaming");
  expect(open.size).toBe(1);

  const disk = Promise.withResolvers<void>();
  const told: string[] = [];
  const recorder = {
    stop: () => void told.push("takes nothing more"),
    [Symbol.asyncDispose]: () => disk.promise,
  };
  const stack = new AsyncDisposableStack();
  stack.use(recorder);
  stack.use(pipeline.stack);
  const ended = endCamera({ recorder, stack }).then(() => told.push("ended"));
  expect(told).toEqual(["takes nothing more"]);
  await expect.poll(() => open.size, WAIT).toBe(0);
  expect(told).toEqual(["takes nothing more"]);
  disk.resolve();
  await ended;
  expect(told).toEqual(["takes nothing more", "ended"]);
});
