import type { HubInfo, SessionAnswer } from "../../../src/protocol/api.ts";
import { remember, remembered } from "../remembered.ts";
import type { LastState } from "./last-state.ts";
import { ask } from "./vault.ts";
import { VaultError } from "./vault-messages.ts";
import type { VaultState } from "./owner-device.ts";

/**
 * Where this browser stands:
 * - `loading`: asking;
 * - `unreachable`: the hub does not answer; tried again by itself;
 * - `unclaimed`: the hub belongs to nobody yet;
 * - `newcomer`: this browser holds no keys of the household;
 * - `locked`: it holds keys, and has neither opened them nor a session;
 * - `ready`: it has a session. Its keys may still be sealed: see {@link openKeys}.
 */
export type Standing = "loading" | "unreachable" | "unclaimed" | "newcomer" | "locked" | "ready";

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 15_000;
/** A line that swallows everything is as good as none. */
const ANSWER_MAX_MS = 10_000;
const LENT = "doorward-lent";
/** Less than this before its end, a session that is over has run out: two clocks differ a little. */
const EXPIRY_SLACK_MS = 5 * 60_000;
const BORROWED_KEYS = /^#keys=([\w-]{43})$/;

let standing = $state<Standing>("loading");
let hub = $state.raw<HubInfo | null>(null);
let session = $state.raw<SessionAnswer | null>(null);
/** Somebody has ended the session, here or elsewhere: nothing logs in again by itself. */
let isShownOut = $state(false);
let vault = $state.raw<VaultState>({ keys: "none" });
let isDeclined = $state(false);

export const device = {
  get standing(): Standing {
    return standing;
  },
  /** Null only while `standing` is `loading` or `unreachable`. */
  get hub(): HubInfo | null {
    return hub;
  },
  get session(): SessionAnswer | null {
    return session;
  },
  get vault(): VaultState {
    return vault;
  },
  /** The passkey was asked last for what plays or signs, and did not confirm. */
  get isDeclined(): boolean {
    return isDeclined;
  },
  get isShownOut(): boolean {
    return isShownOut;
  },
  may(right: SessionAnswer["rights"][number]): boolean {
    return session?.rights.includes(right) ?? false;
  },
};

/** Codes by which the hub itself says that it does not let this device in. */
const REFUSED = new Set(["LOGIN_REFUSED", "NOT_ALLOWED", "KEYS_SEALED"]);
let failures = 0;
let retry: ReturnType<typeof setTimeout> | undefined;

/** Finds out where this browser stands; again after anything that changes it. */
export async function look(): Promise<void> {
  try {
    await borrowKeys();
    const signal = AbortSignal.timeout(ANSWER_MAX_MS);
    [hub, vault] = [await ask("hub", null, { signal }), await ask("vaultState", null)];
    // Fetched before the tap that needs it: a browser may ask the passkey only right after one.
    if (vault.keys === "sealed" && vault.credentialId !== null)
      import("./passkey.ts").catch(() => undefined);
    await openUnasked();
    // Only when it is known does the screen change: what somebody is writing or watching stays.
    // A hub that belongs to nobody answers nothing on the local network but the claim.
    session = hub.claimed ? ((await ask("session", null)) ?? (await newSession())) : null;
    standing = standingOf();
    failures = 0;
  } catch (error) {
    if (error instanceof VaultError && REFUSED.has(error.code)) {
      // The hub answers and knows this device no more: its keys stay, and the screen says so.
      session = null;
      standing = "locked";
      return;
    }
    if (!(error instanceof VaultError) && !(error instanceof DOMException)) throw error;
    // A hub that is gone for a moment: the frame says so, and the news ask again when it is back.
    if (standing === "ready") return;
    standing = "unreachable";
    lookAgain();
  }
}

/** What this browser itself sealed, it opens without asking anybody. */
async function openUnasked(): Promise<void> {
  if (vault.keys === "sealed" && vault.credentialId === null)
    vault = await ask("open", { secret: null });
}

/** Later, and at once when this browser is looked at again or has a network again. */
function lookAgain(): void {
  const waitMs = Math.min(RETRY_FIRST_MS * 2 ** failures, RETRY_MAX_MS);
  failures += 1;
  clearTimeout(retry);
  retry = setTimeout(() => void look(), waitMs * (0.75 + Math.random() / 2));
}
function hurry(): void {
  if (standing !== "unreachable" || document.visibilityState === "hidden") return;
  clearTimeout(retry);
  void look();
}
globalThis.addEventListener("online", hurry);
document.addEventListener("visibilitychange", hurry);

/**
 * What was kept for when the hub does not answer; opens the keys for it, and asks nobody but this
 * device's own passkey, if that: call it from a tap then.
 *
 * @returns null where nothing was kept, or the person did not confirm.
 */
export async function lastState(isTapped: boolean): Promise<LastState | null> {
  return (await openKeysAway(isTapped)) ? ask("lastState", null) : null;
}

/**
 * The keys alone, where the hub does not answer: for its mailbox. Asks the passkey in a tap only.
 *
 * @returns false where they stay sealed.
 */
export async function openKeysAway(isTapped: boolean): Promise<boolean> {
  vault = await ask("vaultState", null);
  await openUnasked();
  if (vault.keys === "sealed" && isTapped) await unseal();
  return vault.keys === "open";
}

function standingOf(): Standing {
  if (hub?.claimed === false) return "unclaimed";
  if (vault.keys === "none") return "newcomer";
  return session ? "ready" : "locked";
}

/** `owner ui` lends keys: the address's fragment opens them, and is gone at once. */
async function borrowKeys(): Promise<void> {
  const key = BORROWED_KEYS.exec(location.hash)?.[1];
  if (key === undefined) return;
  history.replaceState(null, "", location.pathname);
  const bytes = Uint8Array.from(atob(key.replaceAll("-", "+").replaceAll("_", "/")), (character) =>
    character.charCodeAt(0),
  );
  // Not the keys: only that there were some, for when this page is loaded again without them.
  remember("sessionStorage", LENT, "yes");
  try {
    await ask("borrow", { key: bytes });
  } catch (error) {
    if (!(error instanceof VaultError) || error.code !== "KEYS_HANDED_OUT") throw error;
  }
}

/** True where the command line has lent keys to this page, also when it has lost them since. */
export function wereKeysLent(): boolean {
  return remembered("sessionStorage", LENT) === "yes";
}

/**
 * Opens this device's keys, with its passkey where it has one; call it from a tap.
 *
 * @returns false when the person did not confirm.
 */
export async function unlock(): Promise<boolean> {
  if (vault.keys === "none") return false;
  if (!(await unseal())) return false;
  isShownOut = false;
  session ??= await newSession();
  standing = standingOf();
  return true;
}

/** @returns false when the person did not confirm. */
async function unseal(): Promise<boolean> {
  if (vault.keys !== "sealed") return true;
  const secret = vault.credentialId === null ? null : await secretOf(vault.credentialId);
  if (vault.credentialId !== null && secret === null) return false;
  vault = await ask("open", { secret });
  return true;
}

async function secretOf(credentialId: string): Promise<Uint8Array | null> {
  const { passkeySecret } = await import("./passkey.ts");
  return passkeySecret(credentialId);
}

/** A session without asking anybody, where the keys are open. */
async function newSession(): Promise<SessionAnswer | null> {
  if (hub?.claimed === false || vault.keys !== "open") return null;
  try {
    await ask("logIn", null);
  } catch (error) {
    // Removed from the household: what the hub said before is not this device's any more.
    if (error instanceof VaultError && error.code === "LOGIN_REFUSED") {
      await ask("forgetLastState", null);
      await ask("forgetMailbox", null);
    }
    throw error;
  }
  return ask("session", null);
}

/** Opens the keys where they are still sealed; what plays or signs calls it first, from a tap. */
export async function openKeys(): Promise<boolean> {
  isDeclined = false;
  const isOpen = vault.keys === "open" || (await unlock());
  isDeclined = !isOpen;
  return isOpen;
}

/** Another screen: what the last one asked the passkey for is of no matter any more. */
export function forgetDecline(): void {
  isDeclined = false;
}

/**
 * The hub may have ended this session. After its 12 hours this browser logs in again, silently where
 * it can; what somebody has ended before that stays ended until a person asks for it here.
 */
export async function sessionEnded(): Promise<void> {
  if (isShownOut) return;
  const mayBeEnded = session !== null && session.expiresAtMs - Date.now() > EXPIRY_SLACK_MS;
  try {
    if (mayBeEnded && (await ask("session", null)) === null) return await leave();
  } catch (error) {
    // A hub that does not answer has ended nothing.
    if (!(error instanceof VaultError)) throw error;
  }
  await look();
}

/**
 * Ends this browser's session and seals its keys again; they stay.
 *
 * @throws VaultError when the hub did not hear of it; the keys are sealed all the same.
 */
export async function showOut(): Promise<void> {
  isShownOut = true;
  try {
    await ask("lock", null);
  } finally {
    await leave();
  }
}

async function leave(): Promise<void> {
  isShownOut = true;
  // Keys that were lent could not be opened again.
  const areLent = vault.keys !== "none" && vault.borrowed;
  if (!areLent) await ask("sealKeys", null);
  await ask("forgetLastState", null);
  vault = await ask("vaultState", null);
  [session, standing] = [null, "locked"];
}
