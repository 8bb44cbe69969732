import { expect, test } from "vitest";
import type { StoredClip } from "../../src/clips/store.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { missingCommands } from "../support/requirements.ts";
import { startTestHub } from "../support/test-hub.ts";

const demo: CameraSettings = {
  id: "door",
  name: "Door",
  audio: false,
  faces: "keep",
  source: "demo",
};

test.skipIf(missingCommands("ffmpeg"))(
  "a press is recorded as a bell, and its recording goes on where the recorder dies in the middle",
  async () => {
    await using hub = await startTestHub({ settings: { cameras: [demo] }, nowMs: "system" });
    const { services, ingest } = hub.hub;
    const bells = (): StoredClip[] =>
      services.clips.list().clips.filter(({ kind }) => kind === "bell");
    await expect
      .poll(() => services.health().cameras[0]?.main, { timeout: 30_000 })
      .toBe("streaming");
    expect(services.bells.press("nobody", "test")).toBe("unknown-camera");
    expect(services.bells.press("door", "test")).toBe("rung");
    expect(services.bells.press("door", "onvif")).toBe("repeated");
    await expect.poll(() => bells().length, { timeout: 15_000 }).toBe(1);
    const [first] = bells();
    expect(first?.why).toEqual({ kind: "bell", zone: "", areaShare: 0, score: 1 });
    expect(services.bells.answer().cameras[0]?.lastPress).toMatchObject({ via: "test" });
    process.kill(ingest.pid ?? 0, "SIGKILL");
    await expect.poll(() => bells().length, { timeout: 30_000 }).toBe(2);
    // What the first one had written is accounted for, and it stays a bell's.
    expect(bells().find(({ id }) => id === first?.id)?.state).not.toBe("recording");
  },
);
