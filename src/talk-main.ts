import { setTimeout as sleep } from "node:timers/promises";
import { CameraError } from "./camera/camera-error.ts";
import { BackChannel } from "./camera/talk/back-channel.ts";
import { SpeechSender } from "./camera/talk/speech-sender.ts";
import { sayable } from "./base/sayable.ts";
import { decodeG711, encodeG711, type G711Law } from "./protocol/g711.ts";
import type { FromTalk, TalkEnd, ToTalk } from "./talk/messages.ts";

/**
 * Says something at one camera, and ends: the whole of one conversation. It has no environment, no
 * key and no file; what it is told to say it forgets as it sends it.
 */
type Opening = Extract<ToTalk, { type: "open" }>;

/** Cameras have room for few sessions, so that this one is ended in due form. */
const GOODBYE_MS = 1_000;

/** What a camera still has in hand when the last packet is out; closed before, it is cut off. */
const LINGER_MS = 400;

const closing = new AbortController();
let channel: BackChannel | null = null;
let sender: SpeechSender | null = null;
let timer: NodeJS.Timeout | undefined;
let beginning = Promise.resolve();
let isEnding = false;
let isOver = false;

async function begin(opening: Opening): Promise<void> {
  try {
    const { opened, stream } = await openFirst(opening);
    channel = opened;
    sender = new SpeechSender({
      payloadType: opened.payloadType,
      queueBytesMax: opening.queueBytesMax,
      send: (packet) => opened.send(packet),
    });
    void opened.ended.then((reason) => finish(reason));
    say({ type: "opened", law: opened.law, stream });
    if (isEnding) letOut();
  } catch (cause) {
    if (!(cause instanceof CameraError)) throw cause;
    await finish(cause);
  }
}

/** Some cameras take sound on their small stream only. */
async function openFirst({ urls, username, password, allowBasic }: Opening): Promise<{
  readonly opened: BackChannel;
  readonly stream: number;
}> {
  const credentials = username === null ? null : { username, password: password ?? "", allowBasic };
  let without: CameraError | null = null;
  for (const [stream, url] of urls.entries())
    try {
      const opened = await BackChannel.open({ url, credentials, signal: closing.signal });
      return { opened, stream };
    } catch (cause) {
      if (!(cause instanceof CameraError) || cause.code !== "NO_BACK_CHANNEL") throw cause;
      without = cause;
    }
  throw without ?? new Error("asked to talk at no stream");
}

function take(law: G711Law, bytes: Uint8Array): void {
  if (!channel || !sender || isEnding) return;
  sender.push(law === channel.law ? bytes : encodeG711(channel.law, decodeG711(law, bytes)));
  run();
}

function letOut(): void {
  isEnding = true;
  sender?.finish();
  if (sender) run();
  else closing.abort();
}

function run(): void {
  clearTimeout(timer);
  if (!sender || isOver) return;
  const waitMs = sender.tick(performance.now());
  if (waitMs !== null) timer = setTimeout(run, waitMs);
  else if (isEnding)
    timer = setTimeout(() => void finish(null), sender.packets > 0 ? LINGER_MS : 0);
}

/** @param reason - Null where it is over because that was wanted. */
async function finish(reason: CameraError | null): Promise<void> {
  if (isOver) return;
  isOver = true;
  clearTimeout(timer);
  if (channel) await Promise.race([channel[Symbol.asyncDispose](), sleep(GOODBYE_MS)]);
  const problem =
    reason === null || isEnding ? null : { code: reason.code, message: sayable(reason.message) };
  const counted: TalkEnd = {
    problem,
    packets: sender?.packets ?? 0,
    lostPackets: sender?.lostPackets ?? 0,
    droppedBytes: sender?.droppedBytes ?? 0,
  };
  say({ type: "ended", ...counted }, () => process.exit(0));
}

function say(message: FromTalk, then: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, then);
  else then();
}

process.on("message", (message: ToTalk) => {
  switch (message.type) {
    case "open":
      beginning = begin(message);
      return;
    case "sound":
      take(message.law, Buffer.from(message.bytes, "base64"));
      return;
    case "end":
      letOut();
  }
});
// The hub is gone: nobody is left who could end this.
process.on("disconnect", () => {
  isEnding = true;
  closing.abort();
  void Promise.race([beginning, sleep(GOODBYE_MS)]).then(() => finish(null));
});
