import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import type { TestPage } from "./page.ts";

/** The live screen in a real browser: what it says of its picture, and what is in it. */

export const WAIT = { timeout: 30_000, interval: 100 };

export function rtspCamera(
  id: string,
  name: string,
  main: string,
  sub: string | null = null,
): CameraSettings {
  return {
    ...{ id, name, audio: false, faces: "keep", source: "rtsp", main, sub },
    ...{ username: null, password: null, allowBasic: false, motion: { objects: false } },
  };
}

export async function goTo({ page, url }: TestPage, fragment: string): Promise<Page> {
  await page.goto(`${url}/${fragment}`);
  return page;
}

/** What the hub was asked for, as "camera stream". */
export function watched({ hub }: TestPage): string[] {
  return hub.hub.services.live.watches.map(({ camera, stream }) => `${camera} ${stream}`).sort();
}

export function cutSockets({ hub }: TestPage): void {
  hub.hub.server.websocketServer.clients.forEach((socket) => socket.terminate());
}

/** What the picture says of itself, as strings. */
export type Shown = Partial<
  Record<"state" | "stream" | "player" | "latencyMs" | "firstPictureMs", string>
>;

export async function shown(page: Page, camera = "front"): Promise<Shown> {
  const script = `({ ...document.querySelector('figure[data-camera="${camera}"]')?.dataset })`;
  return page.evaluate<Shown>(script);
}

export async function playing(page: Page, camera: string): Promise<Shown> {
  await expect.poll(async () => (await shown(page, camera)).state, WAIT).toBe("playing");
  return shown(page, camera);
}

/** Pictures of one camera: none of them black, and not one like the other. */
export async function expectMoving(page: Page): Promise<void> {
  const [before, after] = [await pixels(page), await sleep(1_500).then(() => pixels(page))];
  for (const found of [before, after]) expect(found.brightest).toBeGreaterThan(60);
  expect(after.sum).not.toBe(before.sum);
}

async function pixels(page: Page): Promise<{ brightest: number; sum: number }> {
  return page.evaluate(`(() => {
    const picture = [...document.querySelectorAll("figure canvas, figure video")].at(-1);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [160, 90];
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0, 160, 90);
    const { data } = context.getImageData(0, 0, 160, 90);
    let [brightest, sum] = [0, 0];
    for (let at = 0; at < data.length; at += 4) {
      brightest = Math.max(brightest, data[at], data[at + 1], data[at + 2]);
      sum += data[at] * (at % 97) + data[at + 1] * (at % 89) + data[at + 2] * (at % 83);
    }
    return { brightest, sum };
  })()`);
}
