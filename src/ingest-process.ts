import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { PicturePipeReader, type LivePicture } from "./camera/live-pipe.ts";
import { PICTURE_PIPE, readFromIngest, type FromIngest, type ToIngest } from "./ingest-messages.ts";
import { HubError } from "./protocol/errors.ts";

const ENTRY = fileURLToPath(new URL("./ingest-main.ts", import.meta.url));
const RESTART_FIRST_MS = 200;
const RESTART_MAX_MS = 30_000;
const STABLE_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

export interface IngestProcessOptions {
  /** Replaced in tests by one that says what it likes. */
  readonly entry?: string;
  /** Sent to every new process, first; the keyring follows. */
  readonly greet: () => readonly ToIngest[];
  /** Only for messages of a known shape; after any other the process is ended and begun anew. */
  readonly onMessage: (message: FromIngest) => void;
  /** The same holds for pictures. @throws MalformedInput for a camera that there is not. */
  readonly onPicture: (picture: LivePicture) => void;
  readonly onMalformed: (reason: string) => void;
  /** The process is gone. The next one is started when this has settled what it was writing. */
  readonly onExit: (reason: string) => Promise<void>;
}

/**
 * The ingest process, kept up: crash-only, started again with back-off and jitter. It inherits no
 * environment but what finding ffmpeg takes, so that no secret of the hub is in it.
 */
export class IngestProcess implements AsyncDisposable {
  readonly #options: IngestProcessOptions;
  #child: ChildProcess | null = null;
  #gone: ReturnType<typeof whenGone> | null = null;
  #restarts = 0;
  #failuresInARow = 0;
  #retry: NodeJS.Timeout | null = null;
  #isClosing = false;

  private constructor(options: IngestProcessOptions) {
    this.#options = options;
  }

  static start(options: IngestProcessOptions): IngestProcess {
    const ingest = new IngestProcess(options);
    ingest.#spawn();
    return ingest;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  send(message: ToIngest): void {
    // A process that has just died counts as connected until its end is noticed. Then the next one
    // is greeted with all there is to say; without a callback the failed write would end the hub.
    if (this.#child?.connected === true) this.#child.send(message, () => undefined);
  }

  #spawn(): void {
    const startedAtMs = performance.now();
    const { PATH, DOORWARD_FFMPEG, NODE_ENV } = process.env;
    const environment = { PATH, DOORWARD_FFMPEG, NODE_ENV };
    const child = fork(this.#options.entry ?? ENTRY, [], {
      // Not V8's own format, which was never made for a sender that is not trusted.
      serialization: "json",
      env: Object.fromEntries(
        Object.entries(environment).filter(([, value]) => value !== undefined),
      ),
      execArgv: [],
      stdio: ["ignore", "inherit", "inherit", "ipc", "pipe"],
    });
    this.#child = child;
    child.on("message", (value: unknown) => {
      const message = this.#believe(child, () => readFromIngest(value));
      if (message) this.#options.onMessage(message);
    });
    this.#readPictures(child);
    this.#gone = whenGone(child);
    void this.#gone.then(([code, signal]) => {
      this.#child = null;
      if (this.#isClosing) return;
      if (performance.now() - startedAtMs > STABLE_MS) this.#failuresInARow = 0;
      this.#failuresInARow += 1;
      this.#restarts += 1;
      const backOffMs = Math.min(
        RESTART_FIRST_MS * 2 ** (this.#failuresInARow - 1),
        RESTART_MAX_MS,
      );
      // Rejects where the disk fails: the next process then settles what this one left.
      const settled = this.#options.onExit(signal ?? `exit code ${code ?? "?"}`);
      void settled
        .catch((error: unknown) => this.#options.onMalformed(String(error)))
        .then(() => {
          if (this.#isClosing) return;
          this.#retry = setTimeout(() => this.#spawn(), backOffMs * (0.75 + Math.random() / 2));
        });
    });
    for (const message of this.#options.greet()) this.send(message);
  }

  #readPictures(child: ChildProcess): void {
    const pipe = child.stdio[PICTURE_PIPE];
    if (!(pipe instanceof Duplex)) throw new Error("the ingest process has no pipe for pictures");
    const reader = new PicturePipeReader((picture) => this.#options.onPicture(picture));
    pipe.on("data", (chunk: Buffer) => {
      // What is left in the pipe of one that is gone would mix with the next one's pictures.
      if (this.#child !== child) return;
      if (this.#believe(child, () => reader.push(chunk)) === null) pipe.destroy();
    });
    pipe.on("error", () => pipe.destroy());
    // A process that cannot show pictures any more is as good as gone, where it is not gone anyway.
    pipe.on("close", () => child.kill("SIGKILL"));
  }

  /** Null for what has no known shape: its sender is ended, and begun anew. */
  #believe<T>(child: ChildProcess, read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      this.#options.onMalformed(error.message);
      child.kill("SIGKILL");
      return null;
    }
  }

  /** Lets it close what it is recording; after 10 s it is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    if (this.#retry) clearTimeout(this.#retry);
    const child = this.#child;
    if (!child) return;
    this.send({ type: "stop" });
    const kill = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.#gone;
    clearTimeout(kill);
  }
}

/**
 * Its end, once everything that it said before has been heard: the exit can be known before the
 * last messages have been read, and among them may be that a recording is whole.
 */
async function whenGone(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  const unheard = child.connected ? once(child, "disconnect") : null;
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  await unheard;
  return [code, signal];
}
