import { readFileSync } from "node:fs";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { processTree } from "./memory-scan.ts";
import type { OnvifTalkServer } from "./onvif-talk-server.ts";

export const DOOR_PASSWORD = "a door's password";

/** Cameras that take sound and some that do not, all at one {@link OnvifTalkServer}. */
export function talkCameras(server: OnvifTalkServer): CameraSettings[] {
  const camera = (id: string, main: string, more: object = {}): CameraSettings => ({
    ...{ id, name: id, source: "rtsp", main, sub: null, audio: false, faces: "keep" },
    ...{ username: "door", password: DOOR_PASSWORD, allowBasic: false },
    motion: { objects: false },
    ...more,
  });
  return [
    camera("door", server.url("door")),
    camera("gate", server.url("gate")),
    camera("plain", server.url("plain")),
    camera("studio", server.url("studio")),
    camera("both", server.url("plain"), { sub: server.url("gate") }),
    camera("dead", "rtsp://127.0.0.1:1/stream"),
    camera("quiet", server.url("door"), { talk: false }),
    { id: "file", name: "file", source: "ffmpeg", input: "x.mp4", audio: false, faces: "keep" },
  ];
}

/** Ids of the processes that talk, among this one's and its children's children. */
export async function talkProcesses(): Promise<number[]> {
  return (await processTree(process.pid)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("talk-main.ts");
    } catch {
      return false;
    }
  });
}
