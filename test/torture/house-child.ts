import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { toHex } from "../../src/protocol/bytes.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import type { DeviceBundle } from "../../src/owner/device-bundle.ts";
import { readRecorderEvent } from "../../src/clips/recorder-event.ts";
import { approve, refuse, typeRequest } from "../support/test-consent.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";
import { RecorderIntake } from "../../src/hub/intake.ts";
import { readHouseOptions, within, type HouseMessage } from "./house.ts";

/**
 * `house-child.ts OPTIONS_AS_JSON`: a real hub with its owner, and the real recorder in a process
 * beside it. Both work without end. What is acknowledged is said on standard output, and only then.
 */
const options = readHouseOptions(process.argv[2] ?? "");

function say(message: HouseMessage): void {
  try {
    writeSync(1, `${JSON.stringify(message)}\n`);
  } catch {
    // Whoever listened is gone.
    process.exit(0);
  }
}

/** Everything that is committed by now: it is acknowledged. */
function sayLedger(hub: TestHub): void {
  const { ledger } = hub.hub.services;
  const size = ledger.size();
  if (size > 0) say({ type: "ledger", size, root: toHex(ledger.root(size)) });
}

function record(hub: TestHub): void {
  const { keyring } = hub.hub.services.household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  const { originals, recovery } = keyring.readers;
  const [command, ...args] = within(options.recorderWithin);
  const recorder = spawn(
    command,
    [
      ...args,
      path.join(import.meta.dirname, "recorder-child.ts"),
      path.join(options.dataDirectory, "clips"),
      String(options.pace),
      String(options.frameBytes),
      String(options.clipSeconds),
      ...[keyring.head, originals, recovery],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const intake = openIntake(hub);
  createInterface({ input: recorder.stdout }).on("line", (line) => {
    const said = JSON.parse(line) as { event?: unknown; trouble?: string; pushedMs?: number };
    if (said.pushedMs !== undefined) return say({ type: "pushed", atMs: said.pushedMs });
    if (said.trouble !== undefined) return say({ type: "trouble", what: said.trouble });
    intake.take(readRecorderEvent(said.event));
  });
  recorder.on("exit", (code, signal) => {
    say({ type: "recorder-ended", how: String(signal ?? code) });
  });
}

/** As the hub takes in what its own ingest process says. */
function openIntake(hub: TestHub): RecorderIntake {
  const { clips, retention } = hub.hub.services;
  return new RecorderIntake({
    ...{ clips, retention, pauseMs: 50 },
    onTaken: (event) => {
      if (event.type === "file-closed")
        say({ type: "file", clip: event.clip, name: sealedFileName(event.file) });
      if (event.type === "clip-closed") say({ type: "clip", clip: event.clip });
      sayLedger(hub);
    },
    log: (_level, what) => say({ type: "trouble", what }),
  });
}

function sayTrouble(error: unknown): void {
  say({ type: "trouble", what: error instanceof Error ? error.message : "?" });
}

/** What owners do all day, one thing after the other. */
async function live(hub: TestHub): Promise<void> {
  const { clips, retention } = hub.hub.services;
  let said = 0;
  for (let turn = 0; ; turn += 1) {
    try {
      const closed = clips.list({ limit: 20 }).clips.find(({ state }) => state === "closed");
      if (closed && turn % 3 === 0) retention.hold(closed.id, Date.now() + 60_000);
      if (closed && turn % 3 === 1) retention.hold(closed.id, null);
      sayLedger(hub);
      for (; said < hub.log.length; said += 1) say({ type: "trouble", what: hub.log[said] ?? "" });
      if (turn % 4 === 0) await decideOne(hub, turn % 8 === 0 ? (closed?.id ?? null) : null);
      retention.wake();
    } catch (error) {
      sayTrouble(error);
    }
    await sleep(options.turnMs);
  }
}

/** @param clip - What is released; null: it is refused. */
async function decideOne(hub: TestHub, clip: string | null): Promise<void> {
  const request = await typeRequest(hub);
  sayLedger(hub);
  if (clip === null) await refuse(hub, request);
  else await approve(hub, request, { clip });
  const state = clip === null ? "refused" : "approved";
  say({ type: "decision", request: request.record.request, state });
  sayLedger(hub);
}

function householdBefore(): DeviceBundle | null {
  if (!existsSync(options.ownerFile)) return null;
  return JSON.parse(readFileSync(options.ownerFile, "utf8")) as DeviceBundle;
}

const owner = householdBefore();
const hub = await startTestHub({
  dataDirectory: options.dataDirectory,
  nowMs: "system",
  ...(owner ? { owner } : {}),
  settings: {
    retention: { motionMs: 86_400_000, bellMs: 86_400_000, spaceBytes: options.spaceBytes },
  },
});
if (!owner) writeFileSync(options.ownerFile, JSON.stringify(hub.owner.bundle), { mode: 0o600 });
say({ type: "ready" });
sayLedger(hub);
record(hub);
await live(hub);
