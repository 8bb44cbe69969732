import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TalkAnswer } from "../../src/protocol/api-talk.ts";
import { decodeG711, encodeG711, G711_SAMPLE_RATE } from "../../src/protocol/g711.ts";
import {
  ONVIF_TALK_COMMANDS,
  startOnvifTalkServer,
  type OnvifTalkServer,
} from "../support/onvif-talk-server.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { goTo, rtspCamera, WAIT } from "../support/page-live.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS, ...ONVIF_TALK_COMMANDS);
const TONE_HZ = 1_000;
const FILE_RATE = 48_000;

describe.skipIf(isMissing)("talking in the page, with a microphone that hears a tone", () => {
  let server: OnvifTalkServer;
  let home: TestPage;
  let folder: ReturnType<typeof temporaryFolder>;
  beforeAll(async () => {
    server = await startOnvifTalkServer({ mounts: { door: "PCMA", plain: "none" } });
    folder = temporaryFolder();
    const tone = path.join(folder.path, "tone.wav");
    writeFileSync(tone, toneFile());
    home = await startPage({
      at: "#/ledger",
      hub: {
        settings: {
          cameras: [
            rtspCamera("door", "Front door", server.url("door")),
            rtspCamera("plain", "Gate", server.url("plain")),
          ],
        },
      },
      switches: [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        `--use-file-for-fake-audio-capture=${tone}`,
      ],
    });
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const state = (page: Page): Promise<string | null> =>
    page.locator("section.talk").getAttribute("data-state");
  const listens = (page: Page): Promise<boolean> =>
    page.evaluate("globalThis.opened.some((track) => track.readyState === 'live')");
  /** Every track of a microphone that the page was given: they say whether it still listens. */
  const watchMicrophone = (page: Page): Promise<unknown> =>
    page.evaluate(`(() => {
      if (globalThis.opened) return;
      globalThis.opened = [];
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        globalThis.wanted = wanted;
        const stream = await ask(wanted);
        globalThis.opened.push(...stream.getTracks());
        return stream;
      };
    })()`);

  test("held, the tone arrives at the door; let go, the microphone and the camera are free", async () => {
    const page = await goTo(home, "#/live/door");
    const button = page.getByRole("button", { name: "Hold to talk" });
    await button.waitFor();
    await watchMicrophone(page);
    await expectAccessible(page);
    expect(server.count("describe")).toBe(0);
    await button.hover();
    await page.mouse.down();
    await expect.poll(() => state(page), WAIT).toBe("heard");
    await page.getByText("You are heard now").waitFor();
    await page.getByRole("meter", { name: "How loud you are" }).waitFor();
    expect(await page.evaluate("globalThis.wanted")).toMatchObject({
      audio: { channelCount: 1, echoCancellation: true },
    });
    await expect.poll(() => server.heard("door").length, WAIT).toBeGreaterThan(12_000);
    await expectAccessible(page);
    await page.mouse.up();
    await expect.poll(() => state(page), WAIT).toBe("idle");
    await expect.poll(() => listens(page), WAIT).toBe(false);
    await expect.poll(() => server.count("teardown"), WAIT).toBe(1);
    const heard = decodeG711("PCMA", server.heard("door"));
    expect(loudest(heard)).toBeGreaterThan(TONE_HZ - 15);
    expect(loudest(heard)).toBeLessThan(TONE_HZ + 15);
    expect(home.hub.ledgerKinds().filter((kind) => kind === "talk")).toHaveLength(1);
  });

  test("by keyboard it is turned on and off, and leaving the screen ends it", async () => {
    const page = await goTo(home, "#/live/door");
    await watchMicrophone(page);
    const button = page.getByRole("button", { name: "Hold to talk" });
    await button.focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => state(page), WAIT).toBe("heard");
    const stop = page.getByRole("button", { name: "Stop talking" });
    expect(await stop.getAttribute("aria-pressed")).toBe("true");
    await page.keyboard.press("Space");
    await expect.poll(() => state(page), WAIT).toBe("idle");
    await expect.poll(() => listens(page), WAIT).toBe(false);
    // A short tap does the same; pressed again at once it waits for the end of what was before.
    await button.click();
    await expect.poll(() => state(page), WAIT).toBe("heard");
    await goTo(home, "#/events");
    await expect.poll(() => listens(page), WAIT).toBe(false);
    await expect.poll(() => server.count("teardown"), WAIT).toBe(3);
  });

  test("a camera that takes no sound says so, once and for all, until one tries again", async () => {
    const page = await goTo(home, "#/live/plain");
    await watchMicrophone(page);
    await page.getByRole("button", { name: "Hold to talk" }).click();
    await page.getByText("The camera takes no sound.", { exact: false }).waitFor();
    await expect.poll(() => listens(page), WAIT).toBe(false);
    await page.getByRole("button", { name: "Try again" }).waitFor();
    expect(await page.getByRole("button", { name: "Hold to talk" }).count()).toBe(0);
    await expectAccessible(page);
  });

  test("a reply is recorded, heard, said at the door by one tap, and deleted", async () => {
    const page = await goTo(home, "#/cameras");
    await watchMicrophone(page);
    const replies = page.getByRole("region", { name: "Recorded replies" });
    await replies.getByRole("button", { name: "Record a reply" }).click();
    await replies.getByText("Recording", { exact: false }).first().waitFor();
    await expect
      .poll(async () => Number(await replies.getAttribute("data-seconds")), WAIT)
      .toBeGreaterThan(0.6);
    await replies.getByRole("button", { name: "Stop" }).click();
    await expect.poll(() => listens(page), WAIT).toBe(false);
    await replies.getByLabel("Name").fill("One moment");
    await expectAccessible(page);
    await replies.getByRole("button", { name: "Keep it" }).click();
    await replies.getByRole("button", { name: "Listen: One moment" }).click();
    const { services } = home.hub.hub;
    const [kept] = services.replies.list();
    expect(kept?.name).toBe("One moment");
    const sound = services.replies.sound(kept?.id ?? "");
    expect(Math.abs(loudest(decodeG711("PCMU", sound)) - TONE_HZ)).toBeLessThan(15);
    expect((await talkState()).replies).toHaveLength(1);

    const before = server.heard("door").length;
    await goTo(home, "#/live/door");
    await page.getByRole("button", { name: "One moment" }).click();
    await page.getByText("“One moment” was said.").waitFor();
    await expect.poll(() => server.heard("door").length, WAIT).toBe(before + sound.length);
    const said = server.heard("door").subarray(before);
    expect(said.equals(encodeG711("PCMA", decodeG711("PCMU", sound)))).toBe(true);

    await goTo(home, "#/cameras");
    await replies.getByRole("button", { name: "Delete: One moment" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await expect.poll(() => services.replies.list(), WAIT).toEqual([]);
    home.expectClean();
  });

  const talkState = async (): Promise<TalkAnswer> =>
    (await home.hub.call("GET", "/api/talk", { as: home.hub.owner })).json<TalkAnswer>();
});

/** Half a second of a tone, as WAV; the browser plays it again and again. */
function toneFile(): Buffer {
  const samples = FILE_RATE / 2;
  const data = Buffer.alloc(samples * 2);
  for (let index = 0; index < samples; index += 1)
    data.writeInt16LE(
      Math.round(12_000 * Math.sin((2 * Math.PI * TONE_HZ * index) / FILE_RATE)),
      index * 2,
    );
  const header = Buffer.alloc(44);
  header.write("RIFF");
  header.writeUInt32LE(36 + data.length, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(FILE_RATE, 24);
  header.writeUInt32LE(FILE_RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36);
  header.writeUInt32LE(data.length, 40);
  return Buffer.concat([header, data]);
}

/** Frequency with the most power among all that 8,000 Hz can carry, in steps of 5 Hz. */
function loudest(samples: Int16Array): number {
  let [best, most] = [0, 0];
  for (let frequency = 100; frequency < G711_SAMPLE_RATE / 2; frequency += 5) {
    const turn = (2 * Math.PI * frequency) / G711_SAMPLE_RATE;
    let [real, imaginary] = [0, 0];
    for (const [index, sample] of samples.entries()) {
      real += sample * Math.cos(turn * index);
      imaginary += sample * Math.sin(turn * index);
    }
    const power = real * real + imaginary * imaginary;
    if (power > most) [best, most] = [frequency, power];
  }
  return best;
}
