import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import Type, { type Static } from "typebox";
import { Value } from "typebox/value";
import { projectRoot } from "./requirements.ts";

/** Programs and bindings that {@link startOnvifTalkServer} needs. */
export const ONVIF_TALK_COMMANDS = ["/usr/bin/python3"] as const;

const PacketEvent = Type.Object({
  event: Type.Literal("packet"),
  mount: Type.String(),
  bytes: Type.String(),
  sequence: Type.Integer(),
  timestamp: Type.Integer(),
  marker: Type.Boolean(),
  payloadType: Type.Integer(),
});
const TalkEvent = Type.Union([
  PacketEvent,
  Type.Object({
    event: Type.Union(
      (["describe", "setup", "play", "teardown"] as const).map((name) => Type.Literal(name)),
    ) as unknown as Type.TUnsafe<"describe" | "setup" | "play" | "teardown">,
    talks: Type.Boolean(),
  }),
  /** How many are left of those that talk. */
  Type.Object({
    event: Type.Literal("closed"),
    talks: Type.Boolean(),
    talkers: Type.Integer(),
  }),
]);
type TalkEvent = Static<typeof TalkEvent>;
export type HeardPacket = Static<typeof PacketEvent>;

/** GStreamer's ONVIF camera on 127.0.0.1: it shows a picture, and tells each packet it is sent. */
export interface OnvifTalkServer extends AsyncDisposable {
  readonly port: number;
  readonly events: readonly TalkEvent[];
  url(mount: string): string;
  /** Sound that arrived at a mount, in order of arrival. */
  packets(mount: string): HeardPacket[];
  heard(mount: string): Buffer;
  /** What clients that talk have done so often; the picture's own do not count. */
  count(event: Exclude<TalkEvent["event"], "packet">): number;
  /** Stops and continues without closing a connection: a camera that hangs. */
  freeze(): void;
  thaw(): void;
}

export interface OnvifTalkOptions {
  /** Name of each mount, and what sound it takes. */
  readonly mounts?: Readonly<Record<string, "PCMU" | "PCMA" | "OPUS" | "none">>;
  readonly username?: string;
  readonly password?: string;
}

const SCRIPT = path.join(projectRoot, "test/peers/gst-onvif-server.py");

export async function startOnvifTalkServer(
  options: OnvifTalkOptions = {},
): Promise<OnvifTalkServer> {
  const mounts = options.mounts ?? { door: "PCMU" };
  const child = spawn(
    "/usr/bin/python3",
    [
      SCRIPT,
      ...Object.entries(mounts).flatMap(([name, encoding]) => ["--mount", `${name}=${encoding}`]),
      ...(options.username === undefined ? [] : ["--user", options.username]),
    ],
    {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, RTSP_PASSWORD: options.password ?? "", GST_DEBUG: "0" },
    },
  );
  const events: TalkEvent[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    child.once("exit", () => reject(new Error("Cannot start the ONVIF server: it ended")));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const told: unknown = JSON.parse(line);
      if (Value.Check(TalkEvent, told)) events.push(told);
      else resolve((told as { port: number }).port);
    });
  });
  const packets = (mount: string): HeardPacket[] =>
    events.flatMap((told) => (told.event === "packet" && told.mount === mount ? [told] : []));
  return {
    port,
    events,
    url: (mount) => `rtsp://127.0.0.1:${port}/${mount}`,
    packets,
    heard: (mount) =>
      Buffer.concat(packets(mount).map(({ bytes }) => Buffer.from(bytes, "base64"))),
    count: (event) =>
      events.filter((told) => told.event !== "packet" && told.event === event && told.talks).length,
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}
