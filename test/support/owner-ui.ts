import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { CLI_ENTRY, plainEnvironment } from "./live-hub.ts";

/** `owner ui` in a process of its own. */
export interface Ui extends AsyncDisposable {
  readonly url: string;
  readonly key: Buffer;
  readonly pid: number;
  said(): string;
  /** Interrupts it; its exit code. */
  interrupt(): Promise<number | null>;
}

export async function startUi(keys: string, ...flags: string[]): Promise<Ui> {
  const child = spawn(process.execPath, [CLI_ENTRY, "owner", "ui", "--keys", keys, ...flags], {
    env: { ...plainEnvironment(), DOORWARD_PASSPHRASE: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const ready = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (said.includes("Ctrl-C")) resolve();
      });
    child.once("exit", () => reject(new Error(said)));
  });
  ready.catch(() => undefined);
  await ready;
  const [, url = "", key = ""] = /(http:\/\/localhost:\d+)\/#keys=([\w-]+)/.exec(said) ?? [];
  return {
    url,
    key: Buffer.from(key, "base64url"),
    pid: child.pid ?? 0,
    said: () => said,
    interrupt: () => ended(child, "SIGINT"),
    [Symbol.asyncDispose]: async () => void (await ended(child, "SIGKILL")),
  };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, "exit");
  child.kill(signal);
  await exit;
  return child.exitCode;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}
export interface Answered {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Not `fetch`: it would choose host, path and some headers itself. */
export async function ask(base: string, pathname: string, asked: Asked = {}): Promise<Answered> {
  const { port } = new URL(base);
  const { method = "GET", headers = {}, body } = asked;
  const request = http.request({
    host: "127.0.0.1",
    port,
    path: pathname,
    method,
    headers: { host: `localhost:${port}`, ...headers },
  });
  request.end(body);
  const [answer] = (await once(request, "response")) as [http.IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) };
}
