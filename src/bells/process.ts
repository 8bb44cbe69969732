import { fileURLToPath } from "node:url";
import { readFromBells, type FromBells, type ToBells } from "./messages.ts";
import { SupervisedProcess } from "../base/supervised-process.ts";

const ENTRY = fileURLToPath(new URL("../bell-main.ts", import.meta.url));
/** For sixteen cameras and a broker it needs about 20 MB of it. */
const HEAP_MAX_MB = 96;

export interface BellProcessOptions {
  /** Replaced in tests by one that says what it likes. */
  readonly entry?: string;
  /** Sent to every new process, first. */
  readonly greet: () => readonly ToBells[];
  readonly onMessage: (message: FromBells) => void;
  readonly onMalformed: (reason: string) => void;
  readonly onExit: (reason: string) => Promise<void>;
}

/**
 * The bell process, kept up: it listens to what doorbells and the broker say. It has no database, no
 * key, and no environment but what finding a program of the machine takes.
 */
export function startBellProcess(
  options: BellProcessOptions,
): SupervisedProcess<ToBells, FromBells> {
  const { PATH, NODE_ENV } = process.env;
  return SupervisedProcess.start({
    ...options,
    entry: options.entry ?? ENTRY,
    environment: { PATH, NODE_ENV },
    execArgv: [`--max-old-space-size=${HEAP_MAX_MB}`],
    stop: { type: "stop" },
    read: readFromBells,
  });
}
