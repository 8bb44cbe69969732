import { setTimeout as sleep } from "node:timers/promises";
import { deviceRecord, randomHex } from "../owner/device-bundle.ts";
import { signAdmission } from "../owner/household.ts";
import { commitmentOf, pairingWords, passOn } from "../owner/pairing.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { follow } from "../owner/hub-client.ts";
import * as Api from "../protocol/api.ts";
import { fromBase64 } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import type { Role } from "../protocol/keyring.ts";
import type { PairingReveal } from "../protocol/api.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { confirm } from "./keys-directory.ts";
import { printable, readOptions, say } from "./options.ts";

const WAIT_FOR_DEVICE_MS = 5 * 60_000;
const POLL_MS = 500;

/** Admits the one device that is waiting, after its owner has compared three words. */
export async function ownerPair(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "role"],
    flags: ["yes", "new-person"],
  });
  const role = readRole(options.text("role") ?? "owner");
  await using session = await openSession(options);
  const { client, keys } = session;
  const pairing = await waitFor("a new device (owner join)", async () => {
    const waiting = await client.get("/api/pairings", Api.PairingList);
    const fresh = waiting.filter(({ reveal }) => reveal === null);
    if (fresh.length > 1)
      throw new HubError("TOO_MANY_PAIRINGS", "Cannot pair: several devices wait; try again later");
    return fresh[0] ?? null;
  });
  const ownerNonce = randomHex(32);
  await client.send(`/api/pairings/${pairing.pairing}/nonce`, { nonce: ownerNonce });
  const reveal = await waitFor("its key", async () => {
    const waiting = await client.get("/api/pairings", Api.PairingList);
    return waiting.find((one) => one.pairing === pairing.pairing)?.reveal ?? null;
  });
  if (commitmentOf(reveal) !== pairing.commitment)
    throw new HubError("PAIRING_BROKEN", "Cannot pair: the device shows another key than at first");
  say(`The new device ("${printable(reveal.label.label)}") must show these three words:`);
  process.stdout.write(`${pairingWords(reveal, ownerNonce).join(" ")}\n`);
  if (!options.flag("yes") && !(await confirm(`Admit it as ${role}?`))) {
    say("Nothing was signed. The waiting device gives up by itself.");
    return 1;
  }
  // A further device of the same person, unless it is somebody else's.
  const isSame = role === keys.bundle.role && !options.flag("new-person");
  const person = isSame ? keys.bundle.person : randomHex(16);
  await admit(session, pairing.pairing, reveal, { role, person });
  say(`Admitted. ${keys.bundle.label} signed the keyring.`);
  return 0;
}

async function admit(
  session: OwnerSession,
  pairing: string,
  reveal: PairingReveal,
  as: { role: Role; person: string },
): Promise<void> {
  const { client, keys } = session;
  // Asked again: somebody may have changed the keyring while the words were compared.
  const { keyring, seen } = await follow(client, keys.bundle, session.seen);
  const device = deviceRecord(
    fromBase64(reveal.signingKey, "signingKey"),
    reveal.label,
    reveal.passkey,
  );
  const statement = await signAdmission(keys.bundle, keyring, { ...as, device }, Date.now());
  const sealed = await passOn(keys.bundle, { reveal, ...as }, seen);
  await client.send(`/api/pairings/${pairing}/admit`, { statement, sealed });
}

function readRole(text: string): Role {
  if (text === "owner" || text === "adult" || text === "viewer") return text;
  throw new UsageError("Cannot read --role: expected owner, adult or viewer");
}

/** Polls until there is an answer. */
export async function waitFor<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const deadlineMs = performance.now() + WAIT_FOR_DEVICE_MS;
  let isSaid = false;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadlineMs)
      throw new HubError("PAIRING_TIMED_OUT", `Cannot pair: ${what} did not come within 5 minutes`);
    if (!isSaid) say(`Waiting for ${what} ...`);
    isSaid = true;
    await sleep(POLL_MS);
  }
}
