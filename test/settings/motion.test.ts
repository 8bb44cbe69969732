import { expect, test } from "vitest";
import { readSettingsFrom, type Settings } from "../../src/settings/settings.ts";

function read(text: string): Settings {
  const file = "doorward.yaml";
  return readSettingsFrom({ file, text, secrets: new Map(), environment: {}, facesUnsaid: "keep" });
}

test("of all cameras it is said once what counts as motion, and of one camera what differs there", () => {
  const { cameras } = read(`motion: { objects: false, smallest: 0.01 }
cameras:
  - { id: front, main: rtsp://192.0.2.10/main, motion: { smallest: 0.02 } }
  - { id: back, main: rtsp://192.0.2.11/main }
`);
  expect(cameras.map(({ motion }) => motion)).toEqual([
    { objects: false, smallest: 0.02 },
    { objects: false, smallest: 0.01 },
  ]);
});

test("the demo camera is one of them; with nothing said, what moves is named", () => {
  expect(read("motion: { objects: false }\n").cameras).toMatchObject([
    { id: "demo", motion: { objects: false } },
  ]);
  expect(read("name: Home\n").cameras[0]?.motion).toBeUndefined();
});

test("what is no setting of motion is refused where it stands", () => {
  expect(() => read("motion: { objects: perhaps }\n")).toThrow(/doorward\.yaml.*true or false/);
  expect(() => read("motion: { smallest: 0.6 }\n")).toThrow(/0 to 0\.5/);
});
