import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { WebSocket } from "ws";
import { until } from "./frame.ts";

interface Answer {
  readonly id?: number;
  readonly result?: { readonly result?: { readonly value?: string } };
}

interface HeapSpace {
  readonly space_name: string;
  readonly space_used_size: number;
}

/** What a heap holds after everything that could be was collected, in bytes. */
export interface HeapUse {
  /** What the program keeps, and V8 about it. */
  readonly dataBytes: number;
  /**
   * What V8 compiled, which grows for as long as it finds something worth it, whatever the program
   * keeps: the machine code, and what it notes of it in its trusted space.
   */
  readonly codeBytes: number;
}

const SPACES = `JSON.stringify(process.getBuiltinModule("v8").getHeapSpaceStatistics())`;
const IS_OF_CODE = /^(?:code|trusted)_/;

/**
 * The inspector of a Node process that was not started for it: SIGUSR1 opens one, on loopback alone.
 * Nothing of the program is changed for being looked at.
 */
export class Inspector implements Disposable {
  readonly #socket: WebSocket;
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(pid: number, signal: AbortSignal): Promise<Inspector> {
    const before = new Set(listening(pid));
    process.kill(pid, "SIGUSR1");
    const opened = (): number | undefined => listening(pid).find((port) => !before.has(port));
    await until("an inspector", () => opened() !== undefined, { signal });
    const answer = await fetch(`http://127.0.0.1:${opened() ?? 0}/json/list`);
    const [target] = (await answer.json()) as { webSocketDebuggerUrl: string }[];
    const socket = new WebSocket(target?.webSocketDebuggerUrl ?? "");
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return new Inspector(socket);
  }

  async heapAfterCollection(): Promise<HeapUse> {
    await this.#ask("HeapProfiler.collectGarbage");
    const { result } = await this.#ask("Runtime.evaluate", { expression: SPACES });
    const spaces = JSON.parse(result?.result?.value ?? "[]") as HeapSpace[];
    const used = (isOfCode: boolean): number =>
      spaces
        .filter(({ space_name: name }) => IS_OF_CODE.test(name) === isOfCode)
        .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
    return { dataBytes: used(false), codeBytes: used(true) };
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  async #ask(method: string, params = {}): Promise<Answer> {
    const id = (this.#asked += 1);
    return new Promise((resolve) => {
      const take = (data: Buffer): void => {
        const answer = JSON.parse(data.toString("utf8")) as Answer;
        if (answer.id !== id) return;
        this.#socket.off("message", take);
        resolve(answer);
      };
      this.#socket.on("message", take);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}

/** Ports on 127.0.0.1 that a process listens on. */
function listening(pid: number): number[] {
  const inodes = new Set<string>();
  for (const name of readdirSync(`/proc/${pid}/fd`))
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`)) ?? [];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // Closed between the two looks.
    }
  return readFileSync(`/proc/${pid}/net/tcp`, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state, , , , , , inode = ""]) => {
      return state === "0A" && local.startsWith("0100007F:") && inodes.has(inode);
    })
    .map(([, local = ""]) => Number.parseInt(local.slice(9), 16));
}
