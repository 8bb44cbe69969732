import { describe, expect, test } from "vitest";
import { chooseSound } from "../../src/camera/sound-format.ts";
import { parseSdp } from "../../src/camera/sdp.ts";

const AAC = [
  ...["m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpeg4-generic/16000/1"],
  "a=fmtp:97 mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3; config=1408",
];

function choose(...lines: readonly string[]) {
  const { chosen, sound } = chooseSound(parseSdp(Buffer.from(lines.join("\r\n"))).media);
  return { format: chosen?.format ?? null, sound, payloadType: chosen?.media.payloadType };
}

describe("choosing a camera's sound", () => {
  test.each([
    ["PCMU by its number alone", ["m=audio 0 RTP/AVP 0"], "PCMU", 8_000],
    ["PCMA by its number alone", ["m=audio 0 RTP/AVP 8"], "PCMA", 8_000],
    ["PCMU by name", ["m=audio 0 RTP/AVP 0", "a=rtpmap:0 PCMU/8000"], "PCMU", 8_000],
    [
      "PCMA under another number",
      ["m=audio 0 RTP/AVP 98", "a=rtpmap:98 pcma/8000/1"],
      "PCMA",
      8_000,
    ],
    ["twice as fast", ["m=audio 0 RTP/AVP 99", "a=rtpmap:99 PCMU/16000"], "PCMU", 16_000],
  ] as const)("%s", (_name, lines, law, sampleRate) => {
    const { format, sound } = choose(...lines);
    expect(format).toEqual({ kind: "g711", law, sampleRate });
    // What is recorded, whatever the camera sends.
    expect(sound).toEqual({ state: "on", codec: "mp4a.40.2" });
  });

  test("AAC is taken before G.711, and either before what cannot be", () => {
    const l16 = ["m=audio 0 RTP/AVP 96", "a=rtpmap:96 L16/16000"];
    const pcmu = ["m=audio 0 RTP/AVP 0"];
    expect(choose(...l16, ...pcmu, ...AAC).format).toMatchObject({ kind: "aac" });
    expect(choose(...l16, ...pcmu).format).toMatchObject({ kind: "g711" });
  });

  test("the camera's loudspeaker is not its microphone", () => {
    expect(choose("m=audio 0 RTP/AVP 0", "a=sendonly").sound).toEqual({ state: "absent" });
    const both = choose("m=audio 0 RTP/AVP 0", "a=sendonly", "m=audio 0 RTP/AVP 8", "a=recvonly");
    expect(both.payloadType).toBe(8);
  });

  test.each([
    ["G.726 (G726-32)", "a=rtpmap:96 G726-32/8000"],
    ["uncompressed sound (L16)", "a=rtpmap:96 L16/44100/2"],
    ["G.722 (G722)", "a=rtpmap:96 G722/8000"],
    ["AAC packed as LATM (MP4A-LATM)", "a=rtpmap:96 MP4A-LATM/16000/1"],
    ["Opus (OPUS)", "a=rtpmap:96 opus/48000/2"],
    ["SPEEX", "a=rtpmap:96 speex/16000"],
    ["G.711 with 44100 Hz and 1 channels", "a=rtpmap:96 PCMU/44100"],
    ["G.711 with 8000 Hz and 2 channels", "a=rtpmap:96 PCMA/8000/2"],
    ["a format without a name (type 96)", "a=nothing"],
  ])("%s is said by name, with what to change", (name, map) => {
    const { format, sound } = choose("m=audio 0 RTP/AVP 96", map);
    expect(format).toBeNull();
    expect(sound.state).toBe("unsupported");
    const message = "message" in sound ? sound.message : "";
    expect(message).toContain(`the camera sends ${name}`);
    expect(message).toContain("Choose AAC or G.711");
  });

  test("uncompressed sound by its number alone is said too", () => {
    expect(choose("m=audio 0 RTP/AVP 10").sound).toMatchObject({ state: "unsupported" });
    expect(choose("m=video 0 RTP/AVP 96").sound).toEqual({ state: "absent" });
  });
});
