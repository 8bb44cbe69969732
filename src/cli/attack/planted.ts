import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { bech32 } from "@scure/base";
import { HubError } from "../../protocol/errors.ts";
import type { Attempt, Target } from "./attempt.ts";
import { addRaw, addWritten, noCandidates, tryCandidates } from "./candidates.ts";
import { requirePlantedRowsFound } from "./database.ts";
import { requirePlantedFootageFound } from "./disk.ts";
import { attackHomes } from "./homes.ts";
import { requirePlantedKeyFound } from "./memory.ts";

/**
 * Plants of each kind what must be found: a search that misses what is there would say "nothing".
 *
 * @param planted - A reader of the attack's own, and something sealed to it.
 * @throws HubError CANNOT_LOOK when one is not found.
 */
export async function requirePlantsFound(planted: PlantedReader): Promise<void> {
  await requirePlantedKeyFound();
  await requirePlantedFootageFound();
  await requirePlantedRowsFound(planted.identity);
  await requireSpellingsFound(planted);
  await requirePlantedHomeFound(planted);
}

/** A reader that the attack made, and something sealed to it alone. */
export interface PlantedReader {
  readonly identity: string;
  readonly lock: Target["lock"];
}

/** As text, as hex, as base64 and raw between other bytes. */
async function requireSpellingsFound({ identity, lock }: PlantedReader): Promise<void> {
  const seed = Buffer.from(bech32.decodeToBytes(identity).bytes);
  for (const [spelling, text] of [
    ["text", identity],
    ["hexadecimal", seed.toString("hex")],
    ["base64", seed.toString("base64")],
  ] as const) {
    const candidates = noCandidates();
    addWritten(candidates, Buffer.from(`{"note":"${text}","more":1}`));
    requireOpened(`a key in ${spelling}`, await tryCandidates(candidates, lock));
  }
  const raw = noCandidates();
  addRaw(raw, Buffer.concat([randomBytes(7), seed, Buffer.alloc(9)]), 1);
  requireOpened("a key in a database record", await tryCandidates(raw, lock));
}

async function requirePlantedHomeFound({ identity, lock }: PlantedReader): Promise<void> {
  const home = await mkdtemp(path.join(tmpdir(), "doorward-attack-"));
  try {
    await mkdir(path.join(home, "Documents"));
    const note = { readers: { originals: identity } };
    await writeFile(path.join(home, "Documents", "device.json"), JSON.stringify(note));
    const target = { lock, dataDirectory: "", keysDirectory: null, pids: [], sealedFiles: [] };
    const [kept] = await attackHomes(target, [home]);
    requireOpened("a key in a home", kept?.opened ?? 0);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function requireOpened(what: string, opened: Attempt["opened"]): void {
  if (opened === 0)
    throw new HubError("CANNOT_LOOK", `Cannot attack: ${what}, planted, was not found`);
}
