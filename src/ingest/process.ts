import type { ChildProcess } from "node:child_process";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { PicturePipeReader, type LivePicture } from "../camera/live-pipe.ts";
import { PICTURE_PIPE, readFromIngest, type FromIngest, type ToIngest } from "./messages.ts";
import { SupervisedProcess } from "../base/supervised-process.ts";

const ENTRY = fileURLToPath(new URL("../ingest-main.ts", import.meta.url));

/**
 * Each picture is a buffer of its own, let go twelve seconds later. Node would look for such garbage
 * once a second, which cost a fifth of all that this process does; so it looks less often.
 */
export const INGEST_NODE_FLAGS: readonly string[] = ["--initial-heap-size=256"];

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
 * The ingest process, kept up. It inherits no environment but what finding ffmpeg takes, so that no
 * secret of the hub is in it.
 */
export class IngestProcess implements AsyncDisposable {
  readonly #options: IngestProcessOptions;
  readonly #supervised: SupervisedProcess<ToIngest, FromIngest>;

  private constructor(options: IngestProcessOptions) {
    this.#options = options;
    const { PATH, DOORWARD_FFMPEG, DOORWARD_DECODER, NODE_ENV } = process.env;
    this.#supervised = SupervisedProcess.start({
      ...options,
      entry: options.entry ?? ENTRY,
      environment: { PATH, DOORWARD_FFMPEG, DOORWARD_DECODER, NODE_ENV },
      execArgv: INGEST_NODE_FLAGS,
      pipes: 1,
      onSpawn: (child) => this.#readPictures(child),
      stop: { type: "stop" },
      read: readFromIngest,
    });
  }

  static start(options: IngestProcessOptions): IngestProcess {
    return new IngestProcess(options);
  }

  get restarts(): number {
    return this.#supervised.restarts;
  }

  get pid(): number | null {
    return this.#supervised.pid;
  }

  send(message: ToIngest): void {
    this.#supervised.send(message);
  }

  #readPictures(child: ChildProcess): void {
    const pipe = child.stdio[PICTURE_PIPE];
    if (!(pipe instanceof Duplex)) throw new Error("the ingest process has no pipe for pictures");
    const reader = new PicturePipeReader((picture) => this.#options.onPicture(picture));
    pipe.on("data", (chunk: Buffer) => {
      // What is left in the pipe of one that is gone would mix with the next one's pictures.
      if (!this.#supervised.isCurrent(child)) return;
      if (this.#supervised.believe(child, () => reader.push(chunk)) === null) pipe.destroy();
    });
    pipe.on("error", () => pipe.destroy());
    // A process that cannot show pictures any more is as good as gone, where it is not gone anyway.
    pipe.on("close", () => child.kill("SIGKILL"));
  }

  /** Lets it close what it is recording; after 10 s it is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervised[Symbol.asyncDispose]();
  }
}
