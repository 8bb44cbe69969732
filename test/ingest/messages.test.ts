import { describe, expect, test } from "vitest";
import { sayable } from "../../src/base/sayable.ts";
import { readFromIngest } from "../../src/ingest/messages.ts";

describe("the hub believes the ingest process no more than a camera", () => {
  const about = (report: object): object => ({
    type: "camera",
    camera: "front",
    role: "main",
    report: { state: "streaming", problem: null, codec: null, picture: null, ...report },
  });
  const picture = { lastAtMs: 1, width: 1920, height: 1080, fps: null };

  test("it takes what the process says in the shape that was agreed", () => {
    const problem = { code: "SILENT", message: "no" };
    for (const said of [about({ state: "waiting-to-retry", problem }), about({ picture })])
      expect(readFromIngest(said)).toEqual(said);
  });

  test.each([
    null,
    "ready",
    { type: "recorder" },
    { type: "recorder", event: null },
    { type: "recorder", event: { type: "clip-closed", clip: "../../etc", endedAtMs: 1 } },
    { type: "trouble", camera: "front", code: "X", message: "a line\nand another" },
    { type: "trouble", camera: "front", code: "X", message: "x".repeat(501) },
    { type: "trouble", camera: "__proto__", code: "X", message: "" },
    { type: "ready", sandbox: { inForce: true, reason: "", more: 1 } },
    { type: "camera", camera: "front", role: "other", report: {} },
    about({ picture: { ...picture, width: 0 } }),
    about({ picture: { ...picture, height: 1e9 } }),
    about({ picture: { ...picture, fps: "fast" } }),
    about({ picture: { ...picture, fps: null, frame: "AAAA" } }),
    { type: "stop" },
  ])("and nothing else: %j", (value) => {
    expect(() => readFromIngest(value)).toThrow(/Cannot read/);
  });

  test("what a decoder or camera wrote is one line when it is said", () => {
    expect(sayable("bad\r\n\u001b[2Jthing")).toBe("bad [2Jthing");
    expect(sayable("x".repeat(900))).toHaveLength(500);
  });
});
