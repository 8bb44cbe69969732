import { describe, expect, test } from "vitest";
import { readSettingsFrom, type Settings } from "../../src/settings/settings.ts";
import { facesWhereUnsaid } from "../../src/settings/blur.ts";
import { SettingsError } from "../../src/settings/file.ts";
import { editText, putChime, putPrivacyHours } from "../../src/settings/edit.ts";

// Hours in which a camera is off, and the chime, as the settings file has them.

const read = (text: string): Settings =>
  readSettingsFrom({
    file: "settings",
    text,
    secrets: new Map(),
    environment: {},
    facesUnsaid: "keep",
  });
function refusal(text: string): string {
  try {
    read(text);
    return "accepted";
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.message;
  }
}
const CAMERA = "cameras:\n  # above the door\n  - id: front\n    main: rtsp://192.0.2.10/main\n";
const withHours = (hours: string): string => `${CAMERA}    privacy:\n      - ${hours}\n`;

describe("bells of a camera", () => {
  const withBells = (bells: string): string => `${CAMERA}    bells: [${bells}]\n`;

  test("have one port a way, which those that were taught share", () => {
    const named = "{ via: dahua, code: Invite }, { via: dahua, code: Other, port: 8080 }";
    expect(refusal(withBells(`${named}, { via: hikvision, port: 81 }`))).toBe("accepted");
    expect(refusal(withBells(`${named}, { via: dahua, port: 8081 }`))).toContain(
      "a camera has one port for dahua, and another rule has 8080",
    );
  });

  test("are not what the chime says: it would ring for ever", () => {
    const mqtt = "mqtt: { url: mqtt://192.0.2.5 }\n";
    const bell = withBells("{ via: webhook }, { via: mqtt, topic: house/chime }");
    const chime = (topic: string): string => `${mqtt}chime:\n  mqtt: { topic: ${topic} }\n`;
    expect(refusal(bell + chime("house/other"))).toBe("accepted");
    expect(refusal(bell + chime("house/chime"))).toContain(
      "the bell of front listens to this topic",
    );
    expect(refusal(CAMERA + chime("house/chime"))).toBe("accepted");
  });
});

describe("hours of a camera", () => {
  test("are read, also for a file that plays as a camera", () => {
    const hours = { days: ["sat", "sun"], from: "22:00", to: "24:00" };
    const written = "{ days: [sat, sun], from: '22:00', to: '24:00' }";
    expect(read(withHours(written)).cameras[0]).toMatchObject({ privacy: [hours] });
    const film = `cameras:\n  - id: film\n    source: ffmpeg\n    input: /srv/a.mp4\n    privacy: [${written}]\n`;
    expect(read(film).cameras[0]).toMatchObject({ privacy: [hours] });
  });

  test.each([
    ["{ days: [sat], from: '25:00', to: '06:00' }", 'expected a time from "00:00" to "23:59"'],
    ["{ days: [sat], from: '22:00', to: '22:00' }", 'for a whole day write from "00:00" to'],
    ["{ days: [sat, sat], from: '22:00', to: '23:00' }", "a day stands in it twice"],
    ["{ days: [], from: '22:00', to: '23:00' }", "a list of days as [mon, tue]"],
    ["{ days: [someday], from: '22:00', to: '23:00' }", "mon, tue"],
    ["{ days: [sat], from: 22, to: '23:00' }", 'expected a time from "00:00"'],
    ["{ days: [sat], from: '22:00' }", "to is missing"],
    ["{ days: [sat], from: '22:00', to: '23:00', zone: UTC }", "no setting of this name"],
  ])("%s is refused, with its line", (hours, reason) => {
    const found = refusal(withHours(hours));
    expect(found).toContain(reason);
    expect(found).toMatch(/^settings:[56]: /);
  });

  test("are put into the file and taken out of it, with what else stands there", () => {
    const hours = [{ days: ["mon"], from: "08:00", to: "09:00" }];
    const text = editText(CAMERA, (document) => putPrivacyHours(document, "front", hours));
    expect(read(text).cameras[0]?.privacy).toEqual(hours);
    expect(text).toContain("# above the door");
    expect(editText(text, (document) => putPrivacyHours(document, "front", []))).toBe(CAMERA);
    expect(editText(CAMERA, (document) => putPrivacyHours(document, "none", hours))).toBe(CAMERA);
  });
});

describe("the chime", () => {
  test("has its defaults, and is nothing where nothing is said", () => {
    expect(read(CAMERA)).not.toHaveProperty("chime");
    expect(read("chime: {}\n").chime).toEqual({
      ...{ audio: { sound: "two-tones", volume: 70, device: "default" }, mqtt: null, quiet: [] },
    });
    expect(read("chime: { audio: false, mqtt: { topic: a/b } }\n").chime).toEqual({
      ...{ audio: null, mqtt: { topic: "a/b", payload: "ring" }, quiet: [] },
    });
  });

  test.each([
    ["sound: gong", "one of two-tones, bell, knock"],
    ["volume: 0", "a whole number from 1 to 100"],
    ["device: -D", "a device as aplay -L lists it"],
    ['device: "a b"', "a device as aplay -L lists it"],
    ["mqtt: { topic: 'a/#' }", "a topic as house/chime, without + and #"],
    ['mqtt: { topic: a, payload: "a\\nb" }', "a line of text"],
    ["quiet: [ { days: [mon], from: '08:00', to: '08:00' } ]", "are the same"],
  ])("%s is refused, with what was expected", (line, expected) => {
    expect(refusal(`chime:\n  ${line}\n`)).toContain(expected);
  });

  test("is changed by the page, and keeps its device and its comments", () => {
    const text = "chime:\n  device: plughw:1 # the one in the hall\n  mqtt: { topic: a }\n";
    const changed = editText(text, (document) =>
      putChime(document, {
        ...{ audio: { sound: "knock", volume: 30 }, mqtt: null },
        quiet: [{ days: ["sun"], from: "22:00", to: "07:00" }],
      }),
    );
    expect(changed).toContain("# the one in the hall");
    expect(read(changed).chime).toEqual({
      audio: { sound: "knock", volume: 30, device: "plughw:1" },
      mqtt: null,
      quiet: [{ days: ["sun"], from: "22:00", to: "07:00" }],
    });
  });
});

test.each([
  ["can make copies", { canBlur: true, reason: null }, ["blur-copy", "blur-only"]],
  ["cannot", { canBlur: false, reason: "no AVX" }, ["keep", "blur-only"]],
])("of faces, where nothing is said and the machine %s", (_name, ability, expected) => {
  const text =
    "cameras: [{ id: one, main: rtsp://192.0.2.1/ }, { id: two, main: rtsp://192.0.2.2/, faces: blur-only }]";
  const { cameras } = readSettingsFrom({
    ...{ file: "doorward.yaml", text, secrets: new Map(), environment: {} },
    facesUnsaid: facesWhereUnsaid(ability),
  });
  expect(cameras.map(({ faces }) => faces)).toEqual(expected);
});
