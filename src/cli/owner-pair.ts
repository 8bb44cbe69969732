import { setTimeout as sleep } from "node:timers/promises";
import { renderUnicodeCompact } from "uqr";
import { admitDevice, meetDevice } from "../owner/admission.ts";
import { randomHex } from "../owner/device-bundle.ts";
import { pairingText } from "../owner/pairing-text.ts";
import { fromBase64 } from "../protocol/bytes.ts";
import { deviceIdOf } from "../protocol/envelope.ts";
import { openSession } from "./hub-session.ts";
import { follow } from "../owner/hub-client.ts";
import * as Api from "../protocol/api.ts";
import { HubError } from "../protocol/errors.ts";
import type { Role } from "../protocol/keyring.ts";
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
  const shown = pairingText(keys.bundle, session.seen);
  say(
    `${renderUnicodeCompact(shown)}\nFor the new device, past the hub (owner join --expect):\n${shown}`,
  );
  const pairing = await waitFor("a new device (owner join)", async () => {
    const waiting = await client.get("/api/pairings", Api.PairingList);
    const fresh = waiting.filter(({ reveal }) => reveal === null);
    if (fresh.length > 1)
      throw new HubError("TOO_MANY_PAIRINGS", "Cannot pair: several devices wait; try again later");
    return fresh[0] ?? null;
  });
  const waiting = await meetDevice(client, pairing, (look) => waitFor("its key", look));
  say(`The new device ("${printable(waiting.reveal.label.label)}") must show these three words:`);
  process.stdout.write(`${waiting.words.join(" ")}\n`);
  if (!options.flag("yes") && !(await confirm(`Admit it as ${role}?`))) {
    say("Nothing was signed. The waiting device gives up by itself.");
    return 1;
  }
  // A further device of the same person, unless it is somebody else's.
  const isSame = role === keys.bundle.role && !options.flag("new-person");
  const person = isSame ? keys.bundle.person : randomHex(16);
  // Asked again: somebody may have changed the keyring while the words were compared.
  const followed = await follow(client, keys.bundle, session.seen);
  await admitDevice({ client, ...followed }, keys.bundle, waiting, { role, person });
  const after = await follow(client, keys.bundle, followed.seen);
  const device = deviceIdOf(fromBase64(waiting.reveal.signingKey, "signingKey"));
  if (after.keyring.devices.has(device)) say(`Admitted. ${keys.bundle.label} signed the keyring.`);
  else say("Signed. Another owner must sign too, within ten minutes: doorward owner keyring list");
  return 0;
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
