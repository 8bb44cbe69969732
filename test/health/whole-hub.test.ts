import { afterEach, describe, expect, test, vi } from "vitest";
import type { NoticeAnswer } from "../../src/protocol/api-notices.ts";
import { HEALTH_DEFAULT } from "../../src/settings/health.ts";
import { noticeText, readNotice } from "../../web/service-worker/notice-text.ts";
import { NtfyServer } from "../support/ntfy-server.ts";
import { missingCommands } from "../support/requirements.ts";
import { pictureAndTone, RTSP_SERVER_COMMANDS, startRtspServer } from "../support/rtsp-server.ts";
import { requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";

const MINUTE_MS = 60_000;
const HUB_LOOKS_EVERY_MS = 15_000;
const isMissing = missingCommands(...RTSP_SERVER_COMMANDS, "bwrap");

describe.skipIf(isMissing)("a camera whose power is cut", () => {
  afterEach(() => void vi.restoreAllMocks());

  test("is told of once when it has been away, and once when it is back", async () => {
    await using camera = await startRtspServer({ media: pictureAndTone() });
    await using ntfy = await NtfyServer.start();
    // What the hub does every 15 s is done here whenever time is to have passed.
    const intervals = vi.spyOn(globalThis, "setInterval");
    await using hub = await startTestHub({
      settings: {
        cameras: [
          {
            ...{ id: "front", name: "Front door", source: "rtsp", main: camera.subUrl, sub: null },
            ...{ audio: false, faces: "keep", username: null, password: null, allowBasic: false },
          },
        ],
        notify: { ntfy: { url: ntfy.url }, services: [] },
        health: { ...HEALTH_DEFAULT, cameraAwayMs: 10 * MINUTE_MS },
      },
    });
    const ticks = intervals.mock.calls.flatMap(([tick, everyMs]) =>
      everyMs === HUB_LOOKS_EVERY_MS ? [tick as () => void] : [],
    );
    expect(ticks).toHaveLength(1);
    const pass = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += HUB_LOOKS_EVERY_MS) {
        hub.clock.nowMs += HUB_LOOKS_EVERY_MS;
        hub.clock.ranMs += HUB_LOOKS_EVERY_MS;
        for (const tick of ticks) tick();
      }
    };
    requireOk(await hub.call("PUT", "/api/notifications/ntfy", { as: hub.owner }));

    await until(() => stateOf(hub) === "streaming");
    pass(12 * MINUTE_MS);
    await camera.cut();
    await until(() => stateOf(hub) !== "streaming");
    pass(9 * MINUTE_MS);
    expect(await codesTold(hub, ntfy)).toEqual([]);
    pass(60 * MINUTE_MS);
    await ntfy.until(() => ntfy.published.length > 0);
    expect(await codesTold(hub, ntfy)).toEqual(["CAMERA_AWAY"]);
    expect(hub.hub.services.health().troubles).toMatchObject([{ code: "CAMERA_AWAY" }]);

    await camera.restore();
    await until(() => stateOf(hub) === "streaming");
    pass(60 * MINUTE_MS);
    await ntfy.until(() => ntfy.published.length > 1);
    expect(await codesTold(hub, ntfy)).toEqual(["CAMERA_AWAY", "CAMERA_AWAY_OVER"]);
    expect(hub.hub.services.health().troubles).toEqual([]);
    const answers = await told(hub, ntfy);
    const titles = answers.map((each) => noticeText(each.id, readNotice(each), "en").title);
    expect(titles).toEqual(["No pictures at Front door", "Over: No pictures at Front door"]);
  }, 120_000);
});

const stateOf = (hub: TestHub): string | undefined => hub.hub.services.health().cameras[0]?.main;

/** What was delivered of this camera, as its owner's page asks for it. */
async function told(hub: TestHub, ntfy: NtfyServer): Promise<NoticeAnswer[]> {
  const ids = ntfy.published.map(({ message }) => /[0-9a-f]{32}$/.exec(message.click ?? "")?.[0]);
  const answers = await Promise.all(
    ids.map(async (id) => hub.call("GET", `/api/notices/${id}`, { as: hub.owner })),
  );
  return answers
    .map((answer) => requireOk(answer).json<NoticeAnswer>())
    .filter(({ camera }) => camera !== null);
}

async function codesTold(hub: TestHub, ntfy: NtfyServer): Promise<(string | null)[]> {
  return (await told(hub, ntfy)).map(({ code }) => code);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => void setTimeout(resolve, 20));
}
