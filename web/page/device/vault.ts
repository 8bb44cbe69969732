import {
  VaultError,
  type FromVault,
  type ToVault,
  type VaultArguments,
  type VaultCallName,
  type VaultResult,
} from "./vault-messages.ts";
import vaultAddress from "./vault-worker.ts?worker&url";
import { workerUrl } from "./worker-url.ts";

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: ((done: number, total: number) => void) | undefined;
}

const waiting = new Map<number, Waiting>();
let worker: Worker | null = null;
let calls = 0;

/**
 * Asks the vault. Buffers among the arguments are copied.
 *
 * @throws VaultError with the code of what went wrong; DOMException `AbortError` when cancelled.
 */
export async function ask<Name extends VaultCallName>(
  name: Name,
  value: VaultArguments<Name>,
  { signal, onProgress }: CallOptions = {},
): Promise<VaultResult<Name>> {
  signal?.throwIfAborted();
  const id = (calls += 1);
  const result = new Promise<unknown>((resolve, reject) => {
    waiting.set(id, { resolve, reject, onProgress });
  });
  const cancel = (): void => {
    send({ type: "cancel", id });
    waiting.get(id)?.reject(new DOMException("Cancelled", "AbortError"));
    waiting.delete(id);
  };
  signal?.addEventListener("abort", cancel, { once: true });
  send({ type: "call", id, name, value });
  try {
    return (await result) as VaultResult<Name>;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

/** Whether anything that was asked is not answered yet: a recording that opens, a signature. */
export function isAsking(): boolean {
  return waiting.size > 0;
}

function send(message: ToVault): void {
  worker ??= startWorker();
  worker.postMessage(message);
}

function startWorker(): Worker {
  const started = new Worker(workerUrl(vaultAddress), { type: "module", name: "vault" });
  started.addEventListener("message", (event: MessageEvent<FromVault>) => take(event.data));
  started.addEventListener("error", (event) => {
    // A script that does not load or dies: whoever waits must hear of it.
    for (const { reject } of waiting.values())
      reject(new VaultError({ code: "VAULT_FAILED", message: event.message || "no vault" }));
    waiting.clear();
    worker = null;
  });
  return started;
}

function take(message: FromVault): void {
  switch (message.type) {
    case "result":
      waiting.get(message.id)?.resolve(message.value);
      waiting.delete(message.id);
      return;
    case "error":
      waiting.get(message.id)?.reject(new VaultError(message.error));
      waiting.delete(message.id);
      return;
    case "progress":
      waiting.get(message.id)?.onProgress?.(message.done, message.total);
      return;
    case "assert":
      void import("./passkey.ts")
        .then(({ assertWithPasskey }) => assertWithPasskey(message.credentialId, message.challenge))
        // A file that does not come: nothing is signed.
        .catch(() => null)
        .then((assertion) => send({ type: "asserted", ask: message.ask, assertion }));
  }
}
