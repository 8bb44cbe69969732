import type { WebAuthnAssertion } from "../../../src/protocol/envelope.ts";
import { HubError, MalformedInput } from "../../../src/protocol/errors.ts";
import { LedgerChanged } from "../../../src/owner/witness.ts";
import { cameraCalls } from "./calls/camera-calls.ts";
import { bellCalls } from "./calls/bell-calls.ts";
import { changeCalls } from "./calls/change-calls.ts";
import { clipCalls } from "./calls/clip-calls.ts";
import { eventCalls } from "./calls/event-calls.ts";
import { decisionCalls } from "./calls/decision-calls.ts";
import { foundingCalls } from "./calls/founding-calls.ts";
import { handlingCalls } from "./calls/handling-calls.ts";
import { homeCalls } from "./calls/home-calls.ts";
import { houseCalls } from "./calls/house-calls.ts";
import { hubCalls } from "./calls/hub-calls.ts";
import { lanCalls } from "./calls/lan-calls.ts";
import { liveCalls } from "./calls/live-calls.ts";
import { ledgerCalls } from "./calls/ledger-calls.ts";
import { restoredCalls } from "./calls/restored-calls.ts";
import { mailboxCalls } from "./calls/mailbox-calls.ts";
import { peopleCalls } from "./calls/people-calls.ts";
import { programCalls } from "./calls/program-calls.ts";
import { offlineCalls } from "./calls/offline-calls.ts";
import { renditionCalls } from "./calls/rendition-calls.ts";
import { shareCalls } from "./calls/share-calls.ts";
import { noticeCalls } from "./calls/notice-calls.ts";
import { nothingCalls } from "./calls/nothing-calls.ts";
import { settingsCalls } from "./calls/settings-calls.ts";
import { zoneCalls } from "./calls/zone-calls.ts";
import { talkCalls } from "./calls/talk-calls.ts";
import { rewrapCalls } from "./calls/rewrap-calls.ts";
import { requestCalls } from "./calls/request-calls.ts";
import { togetherCalls } from "./calls/together-calls.ts";
import { timelineCalls } from "./calls/timeline-calls.ts";
import { OwnerDevice } from "./owner-device.ts";
import type { FromVault, ToVault, VaultErrorData } from "./vault-messages.ts";

/** What a call may use besides its arguments. */
export interface VaultContext {
  readonly device: OwnerDevice;
  /** Aborted when the page has cancelled the call. */
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
  /** @throws HubError PASSKEY_DECLINED when the person did not confirm. */
  readonly assert: (credentialId: string, challenge: Uint8Array) => Promise<WebAuthnAssertion>;
}

const calls = {
  ...bellCalls,
  ...hubCalls,
  ...foundingCalls,
  ...homeCalls,
  ...houseCalls,
  ...clipCalls,
  ...lanCalls,
  ...ledgerCalls,
  ...restoredCalls,
  ...mailboxCalls,
  ...peopleCalls,
  ...changeCalls,
  ...rewrapCalls,
  ...nothingCalls,
  ...noticeCalls,
  ...settingsCalls,
  ...zoneCalls,
  ...cameraCalls,
  ...shareCalls,
  ...liveCalls,
  ...talkCalls,
  ...offlineCalls,
  ...programCalls,
  ...renditionCalls,
  ...requestCalls,
  ...handlingCalls,
  ...decisionCalls,
  ...togetherCalls,
  ...timelineCalls,
  ...eventCalls,
};
export type VaultCalls = typeof calls;

/** A worker's own scope, which the DOM's types do not have. */
const scope = globalThis as unknown as {
  postMessage(message: FromVault, transfer?: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToVault>) => void): void;
};

const device = new OwnerDevice();
const running = new Map<number, AbortController>();
const asked = new Map<number, (assertion: WebAuthnAssertion | null) => void>();
let asks = 0;

scope.addEventListener("message", ({ data }) => {
  switch (data.type) {
    case "call":
      void run(data.id, data.name, data.value);
      return;
    case "cancel":
      running.get(data.id)?.abort();
      return;
    case "asserted":
      asked.get(data.ask)?.(data.assertion);
      asked.delete(data.ask);
  }
});

async function run(id: number, name: string, value: unknown): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  const context: VaultContext = {
    device,
    signal: controller.signal,
    progress: (done, total) => scope.postMessage({ type: "progress", id, done, total }),
    assert,
  };
  try {
    if (!Object.hasOwn(calls, name)) throw new Error(`the vault has no ${name}`);
    const call = calls[name as keyof typeof calls] as (
      context: VaultContext,
      value: unknown,
    ) => Promise<unknown>;
    const result = await call(context, value);
    scope.postMessage({ type: "result", id, value: result }, buffersOf(result));
  } catch (error) {
    scope.postMessage({ type: "error", id, error: dataOf(error) });
  } finally {
    running.delete(id);
  }
}

async function assert(credentialId: string, challenge: Uint8Array): Promise<WebAuthnAssertion> {
  const ask = (asks += 1);
  const answer = new Promise<WebAuthnAssertion | null>((resolve) => asked.set(ask, resolve));
  scope.postMessage({ type: "assert", ask, credentialId, challenge });
  const assertion = await answer;
  if (!assertion)
    throw new HubError("PASSKEY_DECLINED", "Nothing was signed: the passkey did not confirm");
  return assertion;
}

/** Opened recordings are large: handed over, not copied. */
function buffersOf(result: unknown): Transferable[] {
  if (result instanceof ArrayBuffer || result instanceof ImageBitmap) return [result];
  if (result !== null && typeof result === "object" && "bytes" in result)
    return buffersOf(result.bytes);
  if (result instanceof Uint8Array && result.buffer instanceof ArrayBuffer) return [result.buffer];
  return [];
}

function dataOf(error: unknown): VaultErrorData {
  if (error instanceof LedgerChanged)
    return {
      code: error.code,
      message: error.message,
      checkpoints: { before: error.before, now: error.now },
    };
  if (error instanceof HubError)
    return {
      code: error.code,
      message: error.message,
      ...(error instanceof MalformedInput ? { field: error.field } : {}),
    };
  return { code: "FAILED", message: error instanceof Error ? error.message : "failed" };
}
