import * as Api from "../protocol/api.ts";
import { HubError } from "../protocol/errors.ts";
import { signingKeyWords } from "../protocol/words.ts";
import { pairingWords, receivePassedOn, startPairing } from "../owner/pairing.ts";
import { parsePairingText, requirePlace } from "../owner/pairing-text.ts";
import type { ExitCode } from "./exit.ts";
import { follow, HubClient, logIn } from "../owner/hub-client.ts";
import { createKeys, hasKeys, rememberSeen } from "./keys-directory.ts";
import { readOptions, say } from "./options.ts";
import { waitFor } from "./owner-pair.ts";

/** A further device: makes its keys here, shows three words, waits to be admitted. */
export async function ownerJoin(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys", "label", "expect"] });
  const directory = options.required("keys");
  const url = options.required("hub");
  const shown = options.text("expect");
  const place = shown === null ? null : parsePairingText(shown);
  if (await hasKeys(directory))
    throw new HubError("KEYS_PRESENT", `Cannot join: ${directory} holds a device already`);
  const client = new HubClient(url);
  const newcomer = await startPairing(options.text("label") ?? "command line");
  const { commitment } = newcomer;
  const started = await client.post("/api/pairings", { commitment }, Api.PairingStarted);
  const headers = { "x-doorward-pairing": started.token };
  const state = async (): Promise<{ ownerNonce: string | null; sealed: string | null }> => {
    const response = await client.fetch(
      "GET",
      `/api/pairings/${started.pairing}`,
      undefined,
      headers,
    );
    return (await response.json()) as { ownerNonce: string | null; sealed: string | null };
  };
  const ownerNonce = await waitFor("an owner (owner pair)", async () => (await state()).ownerNonce);
  await client.send(`/api/pairings/${started.pairing}/reveal`, newcomer.reveal, headers);
  say("The owner's device must show these three words:");
  process.stdout.write(`${pairingWords(newcomer.reveal, ownerNonce).join(" ")}\n`);
  say("Where several owners must sign, each of the others must see these eight:");
  say(signingKeyWords(newcomer.signingKey.publicKey).join(" "));
  const sealed = await waitFor("the owner to sign", async () => (await state()).sealed);
  const { bundle, seen } = await receivePassedOn(newcomer, sealed);
  // What the owner's screen shows came past the hub altogether.
  const session = await logIn(url, bundle);
  if (place) await requirePlace(session, bundle, seen, place);
  // Genesis and checkpoint came from the owner's device: a hub that shows others is found out here.
  const followed = await follow(session, bundle, seen);
  await createKeys(directory, { bundle, hubUrl: url });
  await rememberSeen(directory, followed.seen);
  await session.delete("/api/session");
  say(
    `Welcome. This device is ${bundle.role === "owner" ? "an owner's" : `of role ${bundle.role}`}.`,
  );
  return 0;
}
