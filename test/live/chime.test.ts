import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { drawChime } from "../../src/notify/chime-sounds.ts";
import type { ChimeAnswer } from "../../src/protocol/api-chime.ts";
import { TEST_TIMEOUT_MS } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";

// With the Internet cut the bell is still heard in the house: the hub's own sound card, and a broker.

const HEADER_BYTES = 44;
const CHILD = fileURLToPath(new URL("./chime-cut-off.ts", import.meta.url));
/** A network of its own needs root. */
const mayCut = spawnSync("unshare", ["-n", "true"]).status === 0;
const isMissing = missingCommands("aplay", "mosquitto", "mosquitto_sub") || !mayCut;

describe.skipIf(isMissing)(
  "with nothing but its own loopback",
  { timeout: TEST_TIMEOUT_MS },
  () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-cut-"));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test("a ring is played as it was drawn, and published once with the fixed words", () => {
      mkdirSync(path.join(folder, "data"));
      const config = path.join(folder, "asound.conf");
      const card = path.join(folder, "card.raw");
      writeFileSync(
        config,
        `pcm.!default { type file slave.pcm "null" file "${card}" format "raw" }\npcm.null { type null }\n`,
      );
      const run = spawnSync(
        "unshare",
        [
          "-n",
          "--",
          "sh",
          "-c",
          'ip link set lo up && exec "$@"',
          "sh",
          process.execPath,
          CHILD,
          folder,
        ],
        {
          encoding: "utf8",
          env: {
            ...process.env,
            ALSA_CONFIG_PATH: config,
            PATH: `${process.env["PATH"]}:/usr/sbin`,
          },
          timeout: 60_000,
        },
      );
      expect(run.status, run.stderr).toBe(0);
      const answer = JSON.parse(run.stdout) as {
        outside: string;
        outcome: string;
        heard: string[];
        tried: ChimeAnswer["tried"];
      };
      expect(answer.outside).toBe("ENETUNREACH");
      expect(answer).toMatchObject({
        ...{ outcome: "rung", heard: ["house/chime ring 0"] },
        tried: { audio: { problem: null }, mqtt: { problem: null } },
      });
      const drawn = Buffer.from(drawChime("two-tones", 80).subarray(HEADER_BYTES));
      const played = readFileSync(card);
      expect(played.subarray(0, drawn.length).equals(drawn)).toBe(true);
      expect(played.subarray(drawn.length).every((byte) => byte === 0)).toBe(true);
    });
  },
);
