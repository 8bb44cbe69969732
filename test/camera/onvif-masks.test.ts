import { expect, test } from "vitest";
import { OnvifDevice } from "../../src/camera/onvif/device.ts";
import { grownPolygon } from "../../src/camera/onvif/mask-shapes.ts";
import { MasksWatch } from "../../src/camera/onvif/masks-watch.ts";
import { putMasksInCamera, readMasksInCamera } from "../../src/camera/onvif/masks.ts";
import { cellsInside, type Polygon } from "../../src/protocol/picture-areas.ts";
import { FakeOnvifDevice } from "../support/onvif-device.ts";
import { FakeMasks, masksAnswer, type FakeMasksOptions } from "../support/onvif-masks.ts";

const HEDGE: Polygon = [
  [0.1, 0.2],
  [0.5, 0.15],
  [0.45, 0.6],
  [0.3, 0.4],
  [0.1, 0.6],
];
const WINDOW: Polygon = [
  [0.7, 0],
  [1, 0],
  [1, 0.3],
];

async function start(options?: FakeMasksOptions) {
  const masks = new FakeMasks(options);
  const fake = await FakeOnvifDevice.start({ masks });
  const device = await OnvifDevice.open({
    address: fake.url,
    credentials: { username: "admin", password: "secret", allowBasic: false },
  });
  return { masks, fake, device, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() };
}

test("a camera hides what is drawn, rounded to its own grid, and says so", async () => {
  await using camera = await start({ grid: 0.015 });
  const both = [HEDGE, WINDOW];
  expect(await readMasksInCamera(camera.device, both)).toMatchObject({ isHidden: false });
  const answer = await putMasksInCamera(camera.device, { masks: both, before: [] });
  expect(answer).toEqual({ isHidden: true, why: null });
  expect(await readMasksInCamera(camera.device, both)).toEqual(answer);
  const [, window] = [...camera.masks.masks.values()];
  // Its coordinates run upward from the middle: the upper right corner of the picture is 1, 1.
  expect(window?.points.some(([x, y]) => Math.min(x, y) > 0.98)).toBe(true);
});

test("and not any more once it was reset, or a mask is off, elsewhere, smaller or only blurred", async () => {
  await using camera = await start();
  await putMasksInCamera(camera.device, { masks: [HEDGE], before: [] });
  const [mask] = camera.masks.masks.values();
  if (!mask) throw new Error("there is no mask");
  const before = { ...mask };
  const changes: readonly Partial<typeof mask>[] = [
    { isEnabled: false },
    { type: "Blurred" },
    { configuration: "another" },
    { points: before.points.map(([x, y]) => [x * 0.9, y * 0.9] as const) },
    { points: before.points.slice(0, 4) },
  ];
  for (const change of changes) {
    Object.assign(mask, before, change);
    expect(await readMasksInCamera(camera.device, [HEDGE])).toMatchObject({ isHidden: false });
  }
  Object.assign(mask, before);
  expect(await readMasksInCamera(camera.device, [HEDGE])).toMatchObject({ isHidden: true });
  camera.masks.reset();
  expect(await readMasksInCamera(camera.device, [HEDGE])).toMatchObject({ isHidden: false });
});

test("one that knows rectangles only hides more, and never less", async () => {
  await using camera = await start({ isRectangleOnly: true, grid: 0.01 });
  const answer = await putMasksInCamera(camera.device, { masks: [HEDGE], before: [] });
  expect(answer.isHidden).toBe(true);
});

test.each([
  { what: "too few masks", options: { masksMax: 1 }, why: /takes 1 masks, and these are 2/ },
  { what: "blurring only", options: { types: ["Blurred"] }, why: /can only blur/ },
  { what: "a grid too coarse", options: { grid: 0.3 }, why: /does not cover/ },
])("one with $what is left as it was", async ({ options, why }) => {
  await using camera = await start(options);
  const masks = [HEDGE, WINDOW];
  const answer = await putMasksInCamera(camera.device, { masks, before: [] });
  expect(answer.isHidden).toBe(false);
  expect(answer.why).toMatch(why);
  expect(camera.masks.masks.size).toBe(0);
});

test("what somebody else set in it stays, and what was drawn before goes", async () => {
  await using camera = await start({ masksMax: 3 });
  await putMasksInCamera(camera.device, { masks: [WINDOW], before: [] });
  const others: Polygon = [
    [0, 0.8],
    [0.2, 0.8],
    [0.2, 1],
  ];
  await putMasksInCamera(camera.device, { masks: [others], before: [] });
  await putMasksInCamera(camera.device, { masks: [HEDGE], before: [WINDOW] });
  expect(camera.masks.masks.size).toBe(2);
  expect(await readMasksInCamera(camera.device, [HEDGE, others])).toMatchObject({ isHidden: true });
  expect(await readMasksInCamera(camera.device, [WINDOW])).toMatchObject({ isHidden: false });
});

test("a grown polygon holds the one that it was grown from, whatever way it turns", () => {
  const grid = { columns: 256, rows: 144 };
  for (const polygon of [HEDGE, HEDGE.toReversed(), WINDOW, WINDOW.toReversed()]) {
    const grown = cellsInside(grownPolygon(polygon, 0.01), grid);
    const inside = cellsInside(polygon, grid);
    expect(inside.every((isIn, cell) => isIn === 0 || grown[cell] === 1)).toBe(true);
    expect(grown.filter(Boolean).length).toBeGreaterThan(inside.filter(Boolean).length);
  }
});

test("what it hides is read again and again: a reset, an error and a cut are noticed", async () => {
  await using camera = await start();
  await putMasksInCamera(camera.device, { masks: [HEDGE], before: [] });
  const told: boolean[] = [];
  await using watch = new MasksWatch({
    masks: [HEDGE],
    device: {
      address: camera.fake.url,
      credentials: { username: "admin", password: "secret", allowBasic: false },
    },
    onChange: ({ isHidden }) => told.push(isHidden),
    everyMs: 20,
  });
  watch.connected("main");
  await expect.poll(() => told).toEqual([true]);
  const [mask] = camera.masks.masks.values();
  camera.masks.reset();
  await expect.poll(() => told).toEqual([true, false]);
  if (mask) camera.masks.masks.set(mask.token, mask);
  await expect.poll(() => told).toEqual([true, false, true]);
  camera.fake.instead.set("GetMasks", (_request, response) => void response.writeHead(500).end());
  await expect.poll(() => told).toEqual([true, false, true, false]);
  camera.fake.instead.clear();
  await expect.poll(() => told).toEqual([true, false, true, false, true]);
  watch.lost("main");
  expect(told.at(-1)).toBe(false);
  const asked = camera.fake.calls.length;
  watch.connected("main");
  await expect.poll(() => told.at(-1)).toBe(true);
  expect(camera.fake.calls.length).toBeGreaterThan(asked);
});

test("each stream of a camera is believed by itself, and asked about where another one fails", async () => {
  await using camera = await start();
  await putMasksInCamera(camera.device, { masks: [HEDGE], before: [] });
  const told: string[][] = [];
  await using watch = new MasksWatch({
    masks: [HEDGE],
    device: {
      address: camera.fake.url,
      credentials: { username: "admin", password: "secret", allowBasic: false },
    },
    onChange: ({ hidden }) => told.push([...hidden].toSorted()),
    // Only what a stream does makes it ask again.
    everyMs: 600_000,
  });
  watch.connected("main");
  await expect.poll(() => told).toEqual([["main"]]);
  // One that is tried again and again, and never there.
  for (let times = 0; times < 3; times += 1) watch.lost("sub");
  expect(told).toEqual([["main"]]);
  const asked = camera.fake.calls.length;
  watch.connected("sub");
  await expect.poll(() => told).toEqual([["main"], ["main", "sub"]]);
  expect(camera.fake.calls.length).toBeGreaterThan(asked);
  // It starts anew, without its masks, and the other stream has not broken off yet.
  camera.masks.reset();
  watch.lost("sub");
  expect(told.at(-1)).toEqual(["main"]);
  await expect.poll(() => told.at(-1)).toEqual([]);
});

test("an answer to what was asked on an earlier connection is none", async () => {
  await using camera = await start();
  await putMasksInCamera(camera.device, { masks: [HEDGE], before: [] });
  const told: string[][] = [];
  await using watch = new MasksWatch({
    masks: [HEDGE],
    device: {
      address: camera.fake.url,
      credentials: { username: "admin", password: "secret", allowBasic: false },
    },
    onChange: ({ hidden }) => told.push([...hidden].toSorted()),
    everyMs: 600_000,
  });
  const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  camera.fake.instead.set("GetMasks", (_request, response) => {
    asked.resolve();
    const [mask] = camera.masks.masks.values();
    const said = masksAnswer(mask ? [mask] : []);
    void answer.promise.then(() => response.end(said));
  });
  watch.connected("main");
  await asked.promise;
  watch.lost("main");
  watch.connected("main");
  camera.masks.reset();
  camera.fake.instead.clear();
  answer.resolve();
  // Only the next answer counts, and says that it hides nothing.
  await expect.poll(() => told).toEqual([[]]);
});
