import type { FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import {
  REPLY_BYTES_MAX,
  ReplyBody,
  ReplyParameter,
  ReplySound,
  SaidAnswer,
  SayParameter,
  TALK_CLOSE,
  TALK_MESSAGE_BYTES_MAX,
  TalkAnswer,
  TalkCameraParameter,
  type TalkServerMessage,
} from "../protocol/api-talk.ts";
import { fromBase64, toBase64 } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { G711_SAMPLE_RATE, type G711Law } from "../protocol/g711.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";
import type { Conversation, TalkProblem } from "./talk-desk.ts";

const MINUTE_MS = 60_000;
/** Who presses and lets go all the time opens one each time. */
const OPENINGS_A_MINUTE = 60;
/** So much may wait at the hub: who speaks is heard a little late, never a second late. */
const QUEUE_BYTES_MAX = (G711_SAMPLE_RATE * 4) / 5;
/** More than a microphone gives in that time is no microphone. */
const BURST_BYTES = 2 * G711_SAMPLE_RATE;
const BYTES_A_SECOND = 1.25 * G711_SAMPLE_RATE;
/** A page that is gone sends nothing. */
const SILENCE_MAX_MS = 5_000;
const LOOK_MS = 1_000;
const CLOSE_MS = 1_000;

/** Talking through a camera, and the replies that can be said there. For whoever sees it live. */
export function addTalkRoutes(server: HubServer, services: HubServices): void {
  const { talk, replies } = services;
  const response = { 200: TalkAnswer };
  const answer = (request: FastifyRequest): TalkAnswer => ({
    cameras: talk.cameras(deviceOf(request).session),
    replies: replies.list(),
  });
  server.get("/api/talk", { config: { access: "live" }, schema: { response } }, async (request) =>
    answer(request),
  );
  const rateLimit = { max: OPENINGS_A_MINUTE, timeWindow: MINUTE_MS };
  server.get(
    "/api/talk/:camera",
    {
      websocket: true,
      config: { access: "live", rateLimit },
      schema: { params: TalkCameraParameter },
    },
    (socket: WebSocket, request) => {
      const begin = (): Conversation =>
        talk.begin(request.params.camera, deviceOf(request), QUEUE_BYTES_MAX);
      listen(socket, begin);
    },
  );
  server.post(
    "/api/talk/:camera/replies/:id",
    {
      config: { access: "live", rateLimit },
      schema: { params: SayParameter, response: { 200: SaidAnswer } },
    },
    async (request) => {
      const { camera, id } = request.params;
      const sound = replies.sound(id);
      return sayReply(talk.begin(camera, deviceOf(request), REPLY_BYTES_MAX), sound);
    },
  );
  addReplyRoutes(server, services, answer);
}

/** Whoever may talk hears what there is to say; what is kept, owners decide. */
function addReplyRoutes(
  server: HubServer,
  { replies }: HubServices,
  answer: (request: FastifyRequest) => TalkAnswer,
): void {
  const response = { 200: TalkAnswer };
  const rateLimit = { max: 30, timeWindow: MINUTE_MS };
  server.get(
    "/api/replies/:id",
    {
      config: { access: "live" },
      schema: { params: ReplyParameter, response: { 200: ReplySound } },
    },
    async ({ params }) => ({ sound: toBase64(replies.sound(params.id)) }),
  );
  server.post(
    "/api/replies",
    {
      config: { access: "administer", rateLimit },
      bodyLimit: 2 * REPLY_BYTES_MAX,
      schema: { body: ReplyBody, response },
    },
    async (request) => {
      const { name, sound } = request.body;
      replies.add(name, fromBase64(sound, "sound"));
      return answer(request);
    },
  );
  server.delete(
    "/api/replies/:id",
    { config: { access: "administer" }, schema: { params: ReplyParameter, response } },
    async (request) => {
      replies.remove(request.params.id);
      return answer(request);
    },
  );
}

/** @throws HubError with the code of what is wrong. */
async function sayReply(
  conversation: Conversation,
  sound: Uint8Array,
): Promise<{ durationMs: number }> {
  await conversation.opened;
  conversation.sound("PCMU", sound);
  conversation.end();
  const problem = await conversation.ended;
  if (problem) throw new HubError(problem.code, problem.message);
  return { durationMs: Math.round((sound.length / G711_SAMPLE_RATE) * 1_000) };
}

/** One open talk socket: sound in, and in words what becomes of it. Nothing of it is kept. */
function listen(socket: WebSocket, begin: () => Conversation): void {
  const say = (message: TalkServerMessage): void => socket.send(JSON.stringify(message));
  const close = (code: number): void => {
    socket.close(code);
    setTimeout(() => socket.terminate(), CLOSE_MS).unref();
  };
  const refuse = (problem: TalkProblem): void => {
    say({ type: "ended", ...problem });
    close(problem.code === "NOT_LOGGED_IN" ? TALK_CLOSE.sessionOver : TALK_CLOSE.refused);
  };
  let conversation: Conversation;
  try {
    conversation = begin();
  } catch (error) {
    refuse(problemOf(error));
    return;
  }
  let law: G711Law | null = null;
  let heardAtMs = performance.now();
  const allowance = createAllowance();
  const watch = setInterval(() => {
    if (performance.now() - heardAtMs > SILENCE_MAX_MS) conversation.end(SILENT);
  }, LOOK_MS);
  socket.on("message", (data, isBinary) => {
    heardAtMs = performance.now();
    const isSound = isBinary && Buffer.isBuffer(data) && data.length <= TALK_MESSAGE_BYTES_MAX;
    if (!isSound || !allowance(data.length, heardAtMs)) {
      conversation.end();
      close(TALK_CLOSE.notUnderstood);
    } else if (law !== null) conversation.sound(law, data);
  });
  socket.on("close", () => {
    clearInterval(watch);
    conversation.end();
  });
  void conversation.opened.then(
    (wanted) => {
      law = wanted;
      heardAtMs = performance.now();
      say({ type: "open", law: wanted });
    },
    // Said when it has ended, which it has.
    () => undefined,
  );
  void conversation.ended.then((problem) => {
    clearInterval(watch);
    if (socket.readyState === socket.OPEN) refuse(problem ?? ENDED);
  });
}

/** Answers whether so many bytes more are still within what a microphone gives. */
function createAllowance(): (bytes: number, nowMs: number) => boolean {
  let left = BURST_BYTES;
  let atMs = performance.now();
  return (bytes, nowMs) => {
    left = Math.min(BURST_BYTES, left + ((nowMs - atMs) / 1_000) * BYTES_A_SECOND) - bytes;
    atMs = nowMs;
    return left >= 0;
  };
}

function problemOf(error: unknown): TalkProblem {
  if (error instanceof HubError) return { code: error.code, message: error.message };
  return { code: "FAILED", message: "The hub could not enter this into its ledger" };
}

const SILENT: TalkProblem = { code: "TALK_SILENT", message: "No sound came from the page for 5 s" };
const ENDED: TalkProblem = { code: "TALK_ENDED", message: "It was ended" };
