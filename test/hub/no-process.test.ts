import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { findCameras } from "../../src/probe/camera-probe.ts";
import { testCamera } from "../../src/probe/camera-test.ts";
import { SupervisedProcess } from "../../src/base/supervised-process.ts";
import { TalkProcess } from "../../src/talk/process.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** As on a machine that is at its limits: no process of the hub can be started until this is over. */
function withoutProcesses(): Disposable {
  const { execPath } = process;
  const set = (value: string): void => void Object.defineProperty(process, "execPath", { value });
  set("/nowhere/at/all");
  return { [Symbol.dispose]: () => set(execPath) };
}

describe("a process that cannot be started", () => {
  const camera = { url: "rtsp://127.0.0.1:1/", username: null, password: null };

  test("is a conversation that did not come about", async () => {
    using _ = withoutProcesses();
    const { username, password } = camera;
    const talk = TalkProcess.start({
      opening: { urls: [camera.url], username, password, allowBasic: false, queueBytesMax: 1_000 },
    });
    await expect(talk.opened).rejects.toMatchObject({ code: "TALK_FAILED" });
    expect((await talk.ended).problem).toMatchObject({ code: "TALK_FAILED" });
    await talk.end();
  });

  test("is a question and a trial that failed", async () => {
    using _ = withoutProcesses();
    await expect(findCameras()).rejects.toMatchObject({ code: "CAMERA_PROBE_FAILED" });
    await expect(testCamera(camera)).rejects.toMatchObject({ code: "CAMERA_TEST_FAILED" });
  });

  test.each([
    { when: "as is told later", environment: {} },
    // Longer than a variable may be: here it is told at once.
    { when: "as is told at once", environment: { LONG: "a".repeat(200_000) } },
  ])("$when, is tried again until it can be, and then heard", async ({ environment }) => {
    await using folder = temporaryFolder();
    const entry = path.join(folder.path, "entry.mjs");
    writeFileSync(
      entry,
      'process.send("here"); process.on("message", () => process.disconnect());\n',
    );
    const ends: string[] = [];
    const said = Promise.withResolvers<unknown>();
    const nowhere = withoutProcesses();
    await using supervised = SupervisedProcess.start<{ type: string }, unknown>({
      ...{ entry, environment, execArgv: [], stop: { type: "stop" } },
      greet: () => [],
      read: (value) => value,
      onMessage: said.resolve,
      onMalformed: (reason) => said.reject(new Error(reason)),
      onExit: async (reason) => void ends.push(reason),
    });
    await expect.poll(() => ends).toContain("it could not be started");
    expect(supervised.pid).toBeNull();
    nowhere[Symbol.dispose]();
    delete (environment as { LONG?: string }).LONG;
    expect(await said.promise).toBe("here");
    expect(supervised.restarts).toBe(ends.length);
  });
});
