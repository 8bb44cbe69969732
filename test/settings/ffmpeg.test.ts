import { describe, expect, test } from "vitest";
import { ffmpegHost, ffmpegInput, readFfmpegMembers } from "../../src/settings/ffmpeg.ts";

const NOBODY = { username: null, password: null };
const SOMEBODY = { username: "door", password: "a&b/c d" };

function read(
  members: Parameters<typeof readFfmpegMembers>[0],
  secret = NOBODY as typeof NOBODY | typeof SOMEBODY,
) {
  const found = readFfmpegMembers(members, secret);
  if ("wrong" in found) throw new Error(`${found.member}: ${found.wrong}`);
  return found;
}

describe("the input of a camera that ffmpeg reads", () => {
  test("is one of a few kinds", () => {
    const input = (text: string) => ffmpegInput(read({ input: text }));
    expect(input("/srv/door.mp4")).toEqual({ kind: "file", path: "/srv/door.mp4", loop: true });
    expect(input("/dev/video0")).toEqual({ kind: "device", path: "/dev/video0", wish: null });
    expect(input("csi:1")).toMatchObject({ kind: "board", camera: 1, wish: { width: 1_280 } });
    expect(input("http://192.0.2.12/a.mjpg")).toMatchObject({ kind: "http", credentials: null });
    expect(input("rtmp://192.0.2.13/live/door")).toMatchObject({ kind: "rtmp" });
  });

  test.each([
    ["concat:/etc/passwd|/etc/shadow", /^input: expected the path/],
    ["subfile,,start,0,end,9,,:/etc/passwd", /^input: |^$/],
    ["data:text/plain,x", /^input: expected/],
    ["file:///etc/passwd", /^input: expected/],
    ["tcp://192.0.2.1:80", /^input: expected/],
    ["udp://239.0.0.1:1234", /^input: expected/],
    ["ftp://192.0.2.1/a.mp4", /^input: expected/],
    ["/dev/sda", /^input: expected/],
    ["/dev/video0/../sda", /^input: expected/],
    ["http://door:secret@192.0.2.12/a", /^input: user and password belong into secrets/],
    ["rtmp://192.0.2.13/bcs/main?user=a&password=secret", /^input: the password belongs into/],
    ["rtmp://192.0.2.13/only", /^input: expected an address as rtmp/],
    ["http://192.0.2.12/flv?password={password}", /^input: \{password\} is not in secrets/],
  ])("%s is refused, and it is said why", (input, why) => {
    const said = (() => {
      try {
        // What is taken for a file's name is only that: ffmpeg is told so.
        expect(ffmpegInput(read({ input }))).toMatchObject({ kind: "file", path: input });
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(said).toMatch(why);
    expect(said).not.toContain("secret@");
  });

  test("size and rate are for cameras of this machine, basic is for HTTP", () => {
    expect(read({ input: "/dev/video0", size: "640x480", fps: 10 }).wish).toEqual({
      ...{ width: 640, height: 480, framesPerSecond: 10 },
    });
    expect(() => read({ input: "/srv/door.mp4", size: "640x480" })).toThrow(
      /^size: is for cameras/,
    );
    expect(() => read({ input: "http://192.0.2.12/a", fps: 5 })).toThrow(/^fps: is for cameras/);
    expect(() => read({ input: "csi:0", basic: true })).toThrow(/^basic: is for cameras/);
  });

  test("what is kept apart is put in escaped, and only where it is named", () => {
    const reolink = "rtmp://192.0.2.13/bcs/main.bcs?channel=0&user={user}&password={password}";
    const settings = read({ input: reolink }, SOMEBODY);
    expect(settings.input).toBe(reolink);
    expect(ffmpegInput(settings)).toEqual({
      kind: "rtmp",
      url: "rtmp://192.0.2.13/bcs/main.bcs?channel=0&user=door&password=a%26b%2Fc%20d",
    });
    expect(ffmpegInput(read({ input: "http://192.0.2.12/a" }, SOMEBODY))).toEqual({
      ...{ kind: "http", url: "http://192.0.2.12/a" },
      credentials: { ...SOMEBODY, allowBasic: false },
    });
    expect(read({ input: "/srv/door.mp4" }, SOMEBODY)).not.toHaveProperty("login");
  });

  test("where it connects to is known, without what is kept apart", () => {
    expect(ffmpegHost({ input: "/srv/door.mp4" })).toBeNull();
    expect(ffmpegHost({ input: "csi:0" })).toBeNull();
    expect(ffmpegHost({ input: "http://192.0.2.12/a" })).toBe("192.0.2.12:80");
    expect(ffmpegHost({ input: "https://[2001:db8::1]/a" })).toBe("[2001:db8::1]:443");
    expect(ffmpegHost({ input: "rtmp://192.0.2.13/a/b?p={password}" })).toBe("192.0.2.13:1935");
  });
});
