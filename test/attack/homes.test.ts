import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { chromium } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { attackHomes } from "../../src/cli/attack/homes.ts";
import { lockOf, type Lock } from "../../src/cli/attack/lock.ts";
import { requirePlantsFound } from "../../src/cli/attack/planted.ts";
import { createKeys } from "../../src/cli/keys-directory.ts";
import { sealBytes } from "../../src/clips/sealed-file.ts";
import { foundHousehold } from "../../src/owner/household.ts";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import { makeReader, type TestReader } from "../clips/age-oracle.ts";
import { CHROMIUM, CHROMIUM_COMMANDS } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { hubInfo, NOW_MS } from "../support/test-household.ts";
import { temporaryFolder } from "../support/temporary.ts";

let reader: TestReader;
let lock: Lock;
beforeAll(async () => {
  reader = await makeReader("x25519");
  const header = requireAgeHeader(sealBytes(Buffer.from("footage"), [reader.recipient]));
  lock = lockOf([header], [reader.recipient.text]);
});

const look = (home: string) =>
  attackHomes({ lock, dataDirectory: "/nowhere", keysDirectory: null, pids: [], sealedFiles: [] }, [
    home,
  ]);

/** The keys of a device that holds `reader`. */
async function deviceBundle() {
  const { bundle } = await foundHousehold(hubInfo, { kind: "x25519", label: "x", nowMs: NOW_MS });
  return { ...bundle, readers: { ...bundle.readers, originals: reader.identity } };
}

test("a home with nothing in it opens nothing, and says so", async () => {
  await using folder = temporaryFolder();
  const found = await look(folder.path);
  expect(found.map(({ opened }) => opened)).toEqual([0, 0, 0]);
  expect(found[1]?.detail).toBe("none: no such folder in those homes");
});

test("keys that were left unsealed, or under the first passphrase anybody tries, are found", async () => {
  for (const [passphrase, opened] of [
    ["", [1, 0, 0]],
    ["password", [0, 1, 0]],
    ["correct horse battery staple", [0, 0, 0]],
  ] as const) {
    await using folder = temporaryFolder();
    const home = folder.path;
    process.env["DOORWARD_PASSPHRASE"] = passphrase;
    try {
      const content = { bundle: await deviceBundle(), hubUrl: "http://localhost:1" };
      await createKeys(path.join(home, "some", "where", "keys"), content);
    } finally {
      delete process.env["DOORWARD_PASSPHRASE"];
    }
    const found = await look(home);
    expect(found.map((one) => one.opened)).toEqual(opened);
    if (passphrase !== "") expect(found[1]?.detail).toMatch(/[1-9]\d* guesses of [1-9]\d* ms/);
  }
});

test("a home is looked at but for the hub's data and the keys that the owner named", async () => {
  await using folder = temporaryFolder();
  const home = folder.path;
  for (const name of ["data", "keys"]) {
    mkdirSync(path.join(home, name));
    writeFileSync(path.join(home, name, "device.json"), reader.identity);
  }
  const target = { lock, pids: [], sealedFiles: [] };
  const named = {
    dataDirectory: path.join(home, "data"),
    keysDirectory: path.join(home, "keys"),
  };
  expect((await attackHomes({ ...target, ...named }, [home]))[0]?.opened).toBe(0);
  expect((await attackHomes({ ...target, ...named, keysDirectory: null }, [home]))[0]?.opened).toBe(
    1,
  );
});

/** What the page's own store does (web/page/device/device-store.ts), with the same fields. */
const STORE = (bundle: string, sealedBy: "browser" | "passkey"): string => `(async () => {
  const generated = await crypto.subtle.generateKey(
    { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv }, generated, new TextEncoder().encode(${JSON.stringify(bundle)}));
  const seal = ${
    sealedBy === "browser"
      ? '{ by: "browser", key: generated }'
      : '{ by: "passkey", credentialId: "x", salt: new Uint8Array(32) }'
  };
  await new Promise((done, fail) => {
    const opening = indexedDB.open("doorward", 1);
    opening.onerror = fail;
    opening.onupgradeneeded = () => opening.result.createObjectStore("device");
    opening.onsuccess = () => {
      const writing = opening.result.transaction("device", "readwrite", { durability: "strict" });
      writing.objectStore("device").put({ v: 1, seal, iv, sealed, label: "x", role: "owner" }, "device");
      writing.oncomplete = done;
    };
  });
})()`;

describe.skipIf(missingCommands(...CHROMIUM_COMMANDS))("a real browser's profile", () => {
  test.each(["browser", "passkey"] as const)(
    "holds a device that is sealed by the %s",
    async (sealedBy) => {
      await using folder = temporaryFolder();
      const home = folder.path;
      const server = http.createServer((_request, response) => response.end("<title>x</title>"));
      await once(server.listen(0, "127.0.0.1"), "listening");
      const profile = path.join(home, ".config", "chromium");
      const browser = await chromium.launchPersistentContext(profile, {
        executablePath: CHROMIUM,
        args: ["--no-sandbox"],
      });
      try {
        const page = await browser.newPage();
        await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
        await page.evaluate(STORE(JSON.stringify(await deviceBundle()), sealedBy));
      } finally {
        await browser.close();
        server.close();
      }
      const [plain, , stored] = await look(home);
      expect(plain?.opened).toBe(0);
      expect(stored?.detail).toContain("1 sealed devices");
      // Without a passkey the key lies beside what it seals: a trial, and the page says so.
      expect(stored?.opened).toBe(sealedBy === "browser" ? 1 : 0);
    },
  );
});

test("a search that does not find what was planted says nothing at all", async () => {
  await requirePlantsFound({ identity: reader.identity, lock });
  const stranger = await makeReader("x25519");
  await expect(requirePlantsFound({ identity: stranger.identity, lock })).rejects.toMatchObject({
    code: "CANNOT_LOOK",
  });
});
