import { probeCamera } from "../probe/camera-probe.ts";
import type { CameraProbeAnswer, MainReason, SubReason } from "../protocol/api-cameras.ts";
import type { ExitCode } from "./exit.ts";
import { ask } from "./keys-directory.ts";
import { print, printJson, readOptions, say } from "./options.ts";

const MAIN_WHY: Readonly<Record<MainReason, string>> = {
  "largest-h264": "the largest picture in H.264, which every browser plays",
  "h264-before-larger-h265":
    "H.264, which every browser plays; there is a larger one in H.265, which fewer do",
  "h265-much-larger": "H.265, since the H.264 picture is less than half its size",
  "h265-only": "H.265: there is no H.264; set the camera to H.264 for browsers that cannot play it",
  "as-typed": "the address that was typed",
  none: "none",
};
const SUB_WHY: Readonly<Record<SubReason, string>> = {
  "nearest-640x360": "the H.264 picture nearest to 640x360",
  "no-small-h264":
    "none: the smaller streams are not H.264, or larger than 1280x720; set one to H.264, 640x360",
  none: "none: there is one stream only; a second one of 640x360 saves most of the work",
};
/** From here on, times in the camera's picture are wrong enough to matter. */
const OFFSET_SAID_MS = 2_000;

/** Asks a camera what it is and sends. The password never stands in the list of processes. */
export async function camerasProbe(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["user"], flags: ["json"], positionals: 1 });
  const [address = ""] = options.positionals;
  const username = options.text("user");
  const password = username === null ? null : await passwordOf(username);
  const answer = await probeCamera({ address, username, password });
  const isGood = answer.main !== null && answer.problem === null;
  if (options.flag("json")) {
    const { still, ...rest } = answer;
    printJson({ ...rest, hasStill: still !== null });
  } else tell(answer);
  return isGood ? 0 : 1;
}

async function passwordOf(username: string): Promise<string> {
  const given = process.env["DOORWARD_CAMERA_PASSWORD"];
  if (given !== undefined) return given;
  if (process.stdin.isTTY) return ask(`Password of ${username} in the camera: `);
  say("No terminal to ask for the password: set DOORWARD_CAMERA_PASSWORD.");
  return "";
}

function tell(answer: CameraProbeAnswer): void {
  const { maker, model, firmware, clockOffsetMs } = answer;
  const name = [maker, model, firmware].filter((part) => part !== null).join(" ");
  if (name !== "") print(`camera   ${name}`);
  if (answer.onvif !== null) print(`onvif    ${answer.onvif}`);
  if (clockOffsetMs !== null) print(`clock    ${clockText(clockOffsetMs)}`);
  answer.streams.forEach((stream, index) => {
    const role = index === answer.main ? "main" : index === answer.sub ? "sub" : "";
    const size = stream.width === null ? "" : `${stream.width}x${stream.height}`;
    const rate = stream.framesPerSecond === null ? "" : `${stream.framesPerSecond} fps`;
    const where = stream.url ?? stream.problem?.message ?? "";
    print(`stream   ${[role.padEnd(4), stream.codec, size, rate, stream.name, where].join("  ")}`);
  });
  if (answer.streams.length > 0) {
    print(`main     ${MAIN_WHY[answer.mainReason]}`);
    if (answer.mainReason !== "as-typed") print(`sub      ${SUB_WHY[answer.subReason]}`);
  }
  const yesNo = (value: boolean | null): string =>
    value === null ? "it does not say" : value ? "yes" : "no";
  if (answer.onvif !== null) {
    print(
      `can      events: ${yesNo(answer.events)}; talk: ${yesNo(answer.backChannel)}; masks: ${yesNo(answer.masks)}`,
    );
    print(`still    ${answer.still === null ? (answer.stillProblem?.message ?? "none") : "yes"}`);
  }
  tellHosts(answer);
  if (answer.problem) print(`problem  ${answer.problem.message}`);
  if (answer.answersRtsp && answer.streams.length === 0) {
    say(
      "Something speaks RTSP there. Switch ONVIF on in the camera, or give the whole address of a",
    );
    say("stream, such as rtsp://192.0.2.10/main, as the camera's manual has it.");
  }
}

function tellHosts(answer: CameraProbeAnswer): void {
  const others = new Set([
    ...answer.otherHosts,
    ...answer.streams.flatMap(({ otherHost }) => otherHost ?? []),
  ]);
  if (others.size === 0) return;
  say(
    `The camera names another address for itself: ${[...others].join(", ")}. Nothing was sent there;`,
  );
  say(
    "its paths were kept, at the address that you gave. That is right where a router lies between.",
  );
}

function clockText(offsetMs: number): string {
  if (Math.abs(offsetMs) < OFFSET_SAID_MS) return "right";
  const seconds = Math.round(Math.abs(offsetMs) / 1_000);
  const [days, rest] = [Math.floor(seconds / 86_400), seconds % 86_400];
  const clock = new Date(rest * 1_000).toISOString().slice(11, 19);
  const size = days > 0 ? `${days} days ${clock}` : clock;
  return `${size} ${offsetMs > 0 ? "ahead" : "behind"}; logins are made with it; set a time server (NTP) in the camera`;
}
