import { WebSocket } from "ws";
import { Value } from "typebox/value";
import { readLiveFragment, type LiveFragment } from "../../src/protocol/live-frame.ts";
import {
  LiveServerMessageSchema,
  type LiveServerMessage,
} from "../../src/protocol/live-messages.ts";

/** What came over a live socket, in its order. */
export type Received =
  | (LiveServerMessage & { readonly atMs: number })
  | { readonly type: "fragment"; readonly fragment: LiveFragment; readonly atMs: number };

type ReceivedInit = Extract<Received, { type: "init" }>;

/** A viewer of a live picture: a real socket, everything that came over it, and how it ended. */
export interface LiveSocket extends Disposable {
  readonly socket: WebSocket;
  readonly received: Received[];
  readonly fragments: readonly LiveFragment[];
  readonly inits: readonly ReceivedInit[];
  /** Close code; 0 while it is open. */
  readonly closedWith: number;
  /** Resolves with the first for which `test` holds, of those that came and of those that will. */
  waitFor(
    what: string,
    test: (received: Received) => boolean,
    timeoutMs?: number,
  ): Promise<Received>;
  waitForFragments(count: number, timeoutMs?: number): Promise<void>;
  waitForClose(timeoutMs?: number): Promise<number>;
}

export interface LiveSocketOptions {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const WAIT_MS = 30_000;

/** @throws Error `refused with 403` where there is no upgrade. */
export async function openLive(
  url: string,
  camera: string,
  { token, headers = {} }: LiveSocketOptions = {},
): Promise<LiveSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/api/live/${camera}`, {
    headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
  });
  const live = watch(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("unexpected-response", (_request, response) => {
      reject(new Error(`refused with ${String(response.statusCode)}`));
      socket.terminate();
    });
    socket.on("error", reject);
  });
  return live;
}

function watch(socket: WebSocket): LiveSocket {
  const received: Received[] = [];
  const waiting = new Set<() => void>();
  let closedWith = 0;
  const wake = (): void => waiting.forEach((look) => look());
  socket.on("message", (data: Buffer, isBinary) => {
    const atMs = performance.timeOrigin + performance.now();
    if (isBinary) received.push({ type: "fragment", fragment: readLiveFragment(data), atMs });
    else {
      const message: unknown = JSON.parse(data.toString("utf8"));
      if (!Value.Check(LiveServerMessageSchema, message))
        throw new Error(`not a live message: ${data.toString("utf8").slice(0, 200)}`);
      // The hub's own time of a pong is under another name.
      received.push({ ...message, ...(message.type === "pong" ? {} : { atMs }) } as Received);
    }
    wake();
  });
  socket.on("close", (code) => {
    closedWith = code;
    wake();
  });
  async function until<T>(what: string, ask: () => T | undefined, timeoutMs: number): Promise<T> {
    const now = ask();
    if (now !== undefined) return now;
    return new Promise<T>((resolve, reject) => {
      const look = (): void => {
        const answer = ask();
        if (answer === undefined) return;
        waiting.delete(look);
        clearTimeout(timer);
        resolve(answer);
      };
      const timer = setTimeout(() => {
        waiting.delete(look);
        const types = received.slice(-5).map(({ type }) => type);
        reject(
          new Error(
            `waited ${timeoutMs} ms for ${what}; closed ${closedWith}; last ${types.join(" ")}`,
          ),
        );
      }, timeoutMs);
      waiting.add(look);
    });
  }
  const fragments = (): LiveFragment[] =>
    received.flatMap((each) => (each.type === "fragment" ? [each.fragment] : []));
  return {
    socket,
    received,
    get fragments() {
      return fragments();
    },
    get inits() {
      return received.filter((each) => each.type === "init");
    },
    get closedWith() {
      return closedWith;
    },
    waitFor: (what, test, timeoutMs = WAIT_MS) =>
      until(what, () => received.find((each) => test(each)), timeoutMs),
    waitForFragments: async (count, timeoutMs = WAIT_MS) => {
      await until(
        `${count} fragments`,
        () => (fragments().length >= count ? true : undefined),
        timeoutMs,
      );
    },
    waitForClose: (timeoutMs = WAIT_MS) =>
      until("its end", () => (closedWith === 0 ? undefined : closedWith), timeoutMs),
    [Symbol.dispose]: () => socket.terminate(),
  };
}
