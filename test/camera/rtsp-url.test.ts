import { describe, expect, test } from "vitest";
import { parseRtspUrl, resolveControl } from "../../src/camera/rtsp-url.ts";

describe("where a stream is", () => {
  test("host, port and path are taken as configured", () => {
    expect(parseRtspUrl("rtsp://192.0.2.10/cam/realmonitor?channel=1&subtype=0")).toEqual({
      host: "192.0.2.10",
      port: 554,
      authority: "rtsp://192.0.2.10",
      url: "rtsp://192.0.2.10/cam/realmonitor?channel=1&subtype=0",
    });
    expect(parseRtspUrl("rtsp://[2001:db8::1]:8554/a")).toMatchObject({
      host: "2001:db8::1",
      port: 8554,
      authority: "rtsp://[2001:db8::1]:8554",
    });
  });

  test.each([
    ["http://192.0.2.10/main"],
    ["rtsp://user:secret@192.0.2.10/main"],
    ["rtsp:///main"],
    ["rtsp://192.0.2.10/a b"],
    ["rtsp://192.0.2.10/a\r\nX: y"],
    [`rtsp://192.0.2.10/${"x".repeat(3_000)}`],
  ])("%s is no URL for a camera", (url) => {
    expect(() => parseRtspUrl(url)).toThrow(expect.objectContaining({ code: "MALFORMED_INPUT" }));
    try {
      parseRtspUrl(url);
    } catch (error) {
      expect(String(error)).not.toContain("secret");
    }
  });

  const address = parseRtspUrl("rtsp://192.0.2.10:8554/main");
  test.each([
    ["track1", undefined, "rtsp://192.0.2.10:8554/main/track1"],
    ["track1", "rtsp://192.0.2.10:8554/main/", "rtsp://192.0.2.10:8554/main/track1"],
    ["track1", "rtsp://evil.example/elsewhere/", "rtsp://192.0.2.10:8554/elsewhere/track1"],
    ["rtsp://evil.example:554/t", undefined, "rtsp://192.0.2.10:8554/t"],
    ["rtsp://user:pw@evil.example", undefined, "rtsp://192.0.2.10:8554/"],
    ["*", undefined, "rtsp://192.0.2.10:8554/main"],
    ["*", "http://evil.example/x", "rtsp://192.0.2.10:8554/main"],
    ["t=0", "rtsp://10.0.0.1/main?x=1", "rtsp://192.0.2.10:8554/main?x=1/t=0"],
  ])("control %s below %s stays on the configured host", (control, base, expected) => {
    expect(resolveControl(address, base, control)).toBe(expected);
  });

  test("a control URL cannot smuggle a header into a request", () => {
    expect(() => resolveControl(address, undefined, "a b")).toThrow(
      expect.objectContaining({ code: "PROTOCOL_ERROR" }),
    );
  });
});
