import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import https from "node:https";
import path from "node:path";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAuthority, type Authority } from "../../src/lan/authority.ts";
import { authorityWords } from "../../src/lan/fingerprint-words.ts";
import { certificateProfile } from "../../src/lan/profile.ts";
import { temporaryFolder } from "../support/temporary.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 22, 12);
const NAME = "doorward.local";

async function open(directory: string, nowMs = NOW_MS, name = NAME): Promise<Authority> {
  return openAuthority({ directory, name, nowMs: () => nowMs });
}

const authorityFile = (directory: string) => path.join(directory, `authority-${NAME}.pem`);
const leafFile = (directory: string) => path.join(directory, `leaf-${NAME}.pem`);

function chainOf(certPem: string): X509Certificate[] {
  const parts = certPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return parts.map((part) => new X509Certificate(part));
}

function leafIn(certPem: string): X509Certificate {
  const [leaf] = chainOf(certPem);
  if (!leaf) throw new Error("no leaf");
  return leaf;
}

describe("an authority", () => {
  test("is the same the next time, with the same words, and keeps its files to itself", async () => {
    await using folder = temporaryFolder();
    const directory = path.join(folder.path, "secrets", "lan");
    const first = await open(directory);
    const leaf = await first.leaf();
    const second = await open(directory, NOW_MS + DAY_MS);
    expect(second.certificateDer).toEqual(first.certificateDer);
    expect(second.words).toEqual(first.words);
    expect(await second.leaf()).toEqual(leaf);
    expect(first.words).toHaveLength(8);
    expect(first.words).toEqual(authorityWords(first.certificateDer));
    expect(first.fingerprint.replaceAll(" ", ":")).toBe(
      new X509Certificate(first.certificatePem).fingerprint256,
    );
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    for (const file of await readdir(directory))
      expect((await stat(path.join(directory, file))).mode & 0o777, file).toBe(0o600);
  });

  test("keeps no key of what phones trust", async () => {
    await using folder = temporaryFolder();
    const authority = await open(folder.path);
    const { certPem } = await authority.leaf();
    const root = new X509Certificate(authority.certificatePem);
    const [leaf, issuer] = chainOf(certPem);
    const files = await readdir(folder.path);
    expect(files.toSorted()).toEqual([`authority-${NAME}.pem`, `leaf-${NAME}.pem`]);
    const keys = await Promise.all(
      files.map(async (file) => createPrivateKey(await readFile(path.join(folder.path, file)))),
    );
    expect(keys.map((key) => root.checkPrivateKey(key))).toEqual([false, false]);
    expect(keys.map((key) => issuer?.checkPrivateKey(key))).toEqual([true, false]);
    expect(keys.map((key) => leaf?.checkPrivateKey(key))).toEqual([false, true]);
  });

  test("makes leaves of at most 397 days that begin a day ago, each with numbers of its own", async () => {
    await using folder = temporaryFolder();
    const authority = await open(folder.path);
    const { certPem, notAfterMs } = await authority.leaf();
    const leaf = leafIn(certPem);
    expect(leaf.validFromDate.getTime()).toBe(NOW_MS - DAY_MS);
    // Both its first and its last second count.
    expect(notAfterMs + 1_000 - leaf.validFromDate.getTime()).toBe(397 * DAY_MS);
    expect(leaf.subjectAltName).toBe(`DNS:${NAME}`);
    const numbers = [...chainOf(certPem), new X509Certificate(authority.certificatePem)].map(
      ({ serialNumber }) => serialNumber,
    );
    for (const number of numbers) expect(number).toMatch(/^[4-7][0-9A-F]{39}$/);
    expect(new Set(numbers).size).toBe(3);
    expect(authority.notAfterMs - NOW_MS).toBe(3_652 * DAY_MS);
  });

  test("refuses names that no house can have", async () => {
    await using folder = temporaryFolder();
    for (const name of ["192.168.1.5", "localhost", "../../etc", "Doorward.local", "a.b.local", ""])
      await expect(open(folder.path, NOW_MS, name), name).rejects.toMatchObject({
        code: "MALFORMED_INPUT",
      });
    expect(await readdir(folder.path)).toEqual([]);
  });

  test("takes the longest name", async () => {
    await using folder = temporaryFolder();
    const name = `${"a".repeat(40)}.${"b".repeat(40)}.${"c".repeat(14)}.org`;
    expect(name).toHaveLength(100);
    const authority = await open(folder.path, NOW_MS, name);
    const [leaf, issuer] = chainOf((await authority.leaf()).certPem);
    expect(leaf?.subjectAltName).toBe(`DNS:${name}`);
    expect(issuer?.subject).not.toBe(new X509Certificate(authority.certificatePem).subject);
    expect((await open(folder.path, NOW_MS, name)).words).toEqual(authority.words);
  });
});

describe("the leaf", () => {
  test("is renewed 30 days before its end, and whoever trusts the authority needs nothing new", async () => {
    await using folder = temporaryFolder();
    let nowMs = Date.now();
    const authority = await openAuthority({
      directory: folder.path,
      name: NAME,
      nowMs: () => nowMs,
    });
    const trusted = authority.certificatePem;
    const before = await authority.leaf();
    nowMs = before.notAfterMs - 31 * DAY_MS;
    expect(await authority.renewIfDue()).toBe(false);
    nowMs = before.notAfterMs - 29 * DAY_MS;
    // Asked several times at once, it makes one.
    const renewed = await Promise.all([1, 2, 3, 4].map(async () => authority.renewIfDue()));
    expect(renewed.filter(Boolean)).toHaveLength(1);
    const after = await authority.leaf();
    expect(after.certPem).not.toBe(before.certPem);
    expect(after.keyPem).not.toBe(before.keyPem);
    expect(after.notAfterMs - before.notAfterMs).toBeGreaterThan(360 * DAY_MS);
    const again = await open(folder.path, nowMs);
    expect(await again.leaf()).toEqual(after);
    expect(again.certificatePem).toBe(trusted);
    // The one from next year is not valid yet, so one of today by the same authority stands in for it.
    nowMs = Date.now();
    expect(await authority.renewIfDue()).toBe(true);
    const ofToday = await authority.leaf();
    expect(ofToday.keyPem).not.toBe(before.keyPem);
    for (const shown of [before, ofToday])
      expect(await answerTo(trusted, shown.certPem, shown.keyPem)).toBe("at home");
    await using elsewhere = temporaryFolder();
    const neighbour = await open(elsewhere.path, nowMs);
    await expect(
      answerTo(neighbour.certificatePem, ofToday.certPem, ofToday.keyPem),
    ).rejects.toThrow(/certificate/);
  });

  test("ends no later than its authority, and then says so", async () => {
    await using folder = temporaryFolder();
    let nowMs = NOW_MS;
    const authority = await openAuthority({
      directory: folder.path,
      name: NAME,
      nowMs: () => nowMs,
    });
    await authority.leaf();
    nowMs = authority.notAfterMs - 100 * DAY_MS;
    expect(await authority.renewIfDue()).toBe(true);
    const last = await authority.leaf();
    expect(last.notAfterMs).toBe(authority.notAfterMs);
    nowMs = authority.notAfterMs - 10 * DAY_MS;
    expect(await authority.renewIfDue()).toBe(false);
    await rm(leafFile(folder.path));
    nowMs = authority.notAfterMs + DAY_MS;
    await expect((await open(folder.path, nowMs)).leaf()).rejects.toMatchObject({
      code: "AUTHORITY_ENDED",
    });
  });

  test("is made anew where it is damaged, gone, or not this authority's", async () => {
    await using folder = temporaryFolder();
    const authority = await open(folder.path);
    const first = await authority.leaf();
    await using elsewhere = temporaryFolder();
    await (await open(elsewhere.path)).leaf();
    const foreign = await readFile(leafFile(elsewhere.path));
    const written = await readFile(leafFile(folder.path));
    for (const content of [written.subarray(0, 700), Buffer.alloc(0), randomBytes(900), foreign]) {
      await writeFile(leafFile(folder.path), content);
      const reopened = await open(folder.path);
      const leaf = await reopened.leaf();
      expect(leaf.certPem).not.toBe(first.certPem);
      expect(leafIn(leaf.certPem).subjectAltName).toBe(`DNS:${NAME}`);
      expect(reopened.words).toEqual(authority.words);
    }
  });
});

describe("a clock that is wrong", () => {
  test("in 1970, makes nothing and says why; what is there stays in use", async () => {
    await using folder = temporaryFolder();
    for (const nowMs of [0, Date.UTC(2025, 11, 31), Date.UTC(2060, 0, 1), Number.NaN])
      await expect(open(folder.path, nowMs)).rejects.toMatchObject({
        code: "CLOCK_WRONG",
        message: expect.stringContaining("clock says"),
      });
    expect(await readdir(folder.path)).toEqual([]);
    const leaf = await (await open(folder.path)).leaf();
    const early = await open(folder.path, 0);
    expect(await early.renewIfDue()).toBe(false);
    expect(await early.leaf()).toEqual(leaf);
    await rm(leafFile(folder.path));
    await expect((await open(folder.path, 0)).leaf()).rejects.toMatchObject({
      code: "CLOCK_WRONG",
    });
  });

  test("years ahead of what the hub has counted, renews nothing until it is believed", async () => {
    await using folder = temporaryFolder();
    let nowMs = NOW_MS;
    let isBelieved = true;
    const options = {
      ...{ directory: folder.path, name: NAME, nowMs: () => nowMs },
      isClockBelieved: () => isBelieved,
    };
    const authority = await openAuthority(options);
    const leaf = await authority.leaf();
    nowMs += 5 * 365 * DAY_MS;
    isBelieved = false;
    for (const each of [authority, await openAuthority(options)]) {
      expect(await each.renewIfDue()).toBe(false);
      expect(await each.leaf()).toEqual(leaf);
    }
    isBelieved = true;
    expect(await authority.renewIfDue()).toBe(true);
    // Set right again: what was made ahead is replaced, though that is a jump which is doubted.
    nowMs = NOW_MS;
    isBelieved = false;
    expect(await authority.renewIfDue()).toBe(true);
    expect(leafIn((await authority.leaf()).certPem).validFromDate.getTime()).toBeLessThan(NOW_MS);
  });

  test("that was ahead once, costs one leaf and no trust", async () => {
    await using folder = temporaryFolder();
    let nowMs = Date.UTC(2034, 5, 1);
    const authority = await openAuthority({
      directory: folder.path,
      name: NAME,
      nowMs: () => nowMs,
    });
    expect(leafIn((await authority.leaf()).certPem).validFromDate.getTime()).toBeGreaterThan(
      NOW_MS,
    );
    nowMs = NOW_MS;
    expect(await authority.renewIfDue()).toBe(true);
    const leaf = leafIn((await authority.leaf()).certPem);
    expect(leaf.validFromDate.getTime()).toBeLessThan(NOW_MS);
    const root = new X509Certificate(authority.certificatePem);
    expect(root.validFromDate.getTime()).toBeLessThan(NOW_MS);
    expect(root.validToDate.getTime()).toBeGreaterThan(NOW_MS);
  });
});

describe("files of an authority", () => {
  let made: Buffer;
  let other: Buffer;
  const folder = temporaryFolder();
  beforeAll(async () => {
    for (const name of ["one", "two"]) await open(path.join(folder.path, name));
    made = await readFile(authorityFile(path.join(folder.path, "one")));
    other = await readFile(authorityFile(path.join(folder.path, "two")));
  });
  afterAll(async () => folder[Symbol.asyncDispose]());

  async function expectRefused(content: Uint8Array, code = "AUTHORITY_DAMAGED"): Promise<void> {
    await using place = temporaryFolder();
    const file = authorityFile(place.path);
    await writeFile(file, content, { mode: 0o600 });
    await expect(open(place.path)).rejects.toMatchObject({ code });
    // Nothing was put in its place.
    expect(await readFile(file)).toEqual(Buffer.from(content));
    expect(await readdir(place.path)).toEqual([path.basename(file)]);
  }

  test("that are cut short, overwritten or mixed up are refused, never replaced", async () => {
    expect(made.length).toBeGreaterThan(1_500);
    const key = (text: Buffer) => text.toString().split("-----BEGIN CERTIFICATE")[0] ?? "";
    const certificates = (text: Buffer) => text.toString().slice(key(text).length);
    await expectRefused(Buffer.alloc(0));
    await expectRefused(randomBytes(2_000));
    await expectRefused(Buffer.alloc(made.length));
    await expectRefused(Buffer.from(key(made)));
    await expectRefused(Buffer.from(certificates(made)));
    await expectRefused(Buffer.from(key(other) + certificates(made)));
    const [issuer = "", root = ""] = certificates(made).split(/(?<=-----END CERTIFICATE-----\n)/);
    const [, otherRoot = ""] = certificates(other).split(/(?<=-----END CERTIFICATE-----\n)/);
    await expectRefused(Buffer.from(key(made) + issuer));
    await expectRefused(Buffer.from(key(made) + root + issuer));
    await expectRefused(Buffer.from(key(made) + issuer + otherRoot));
    await expectRefused(Buffer.from(key(made) + issuer + issuer));
    await expectRefused(Buffer.alloc(100_000, "x"), "FILE_TOO_LARGE");
  });

  test("that are cut or changed anywhere are refused, or are the same authority still", async () => {
    const { words } = await open(path.join(folder.path, "one"));
    const inOrder = fc.integer({ min: 0, max: made.length - 1 });
    await using place = temporaryFolder();
    const file = authorityFile(place.path);
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(inOrder, fc.boolean(), async (at, isCut) => {
        const changed = Buffer.from(made);
        changed[at] = changed[at] === 0x41 ? 0x42 : 0x41;
        await rm(leafFile(place.path), { force: true });
        await writeFile(file, isCut ? made.subarray(0, at) : changed, { mode: 0o600 });
        try {
          // A bit of padding, or of a version, that nothing reads.
          const authority = await open(place.path);
          expect(authority.words).toEqual(words);
          const [leaf, issuer] = chainOf((await authority.leaf()).certPem);
          expect(issuer && leaf?.verify(issuer.publicKey)).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: "AUTHORITY_DAMAGED" });
          refused += 1;
        }
      }),
      { numRuns: 150 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  test("of another name, or that others may read, are refused", async () => {
    await using place = temporaryFolder();
    await open(place.path, NOW_MS, "door.example.org");
    await rename(
      path.join(place.path, "authority-door.example.org.pem"),
      authorityFile(place.path),
    );
    await expect(open(place.path)).rejects.toMatchObject({ code: "AUTHORITY_DAMAGED" });
    await writeFile(authorityFile(place.path), made);
    await chmod(authorityFile(place.path), 0o640);
    await expect(open(place.path)).rejects.toMatchObject({ code: "SECRETS_READABLE" });
  });

  test("that are gone while their leaf is there are missed, not made anew", async () => {
    await using place = temporaryFolder();
    const authority = await open(place.path);
    await authority.leaf();
    const kept = await readFile(authorityFile(place.path));
    await rm(authorityFile(place.path));
    await expect(open(place.path)).rejects.toMatchObject({ code: "AUTHORITY_GONE" });
    await writeFile(authorityFile(place.path), kept, { mode: 0o600 });
    expect((await open(place.path)).words).toEqual(authority.words);
  });

  test("half written by a power cut do no harm", async () => {
    await using place = temporaryFolder();
    await mkdir(place.path, { recursive: true });
    await writeFile(`${authorityFile(place.path)}.partial`, made.subarray(0, 300));
    const authority = await open(place.path);
    expect((await open(place.path)).words).toEqual(authority.words);
  });
});

describe("the profile for iPhone and Mac", () => {
  test("holds the certificate, and replaces itself when it is installed again", async () => {
    await using folder = temporaryFolder();
    const { certificateDer } = await open(folder.path);
    const profile = certificateProfile(NAME, certificateDer);
    const [, data = ""] = /<data>([A-Za-z0-9+/=]+)<\/data>/.exec(profile) ?? [];
    expect(new Uint8Array(Buffer.from(data, "base64"))).toEqual(certificateDer);
    expect(profile).toContain("<string>com.apple.security.root</string>");
    const identifiers = profile.match(
      /[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}/g,
    );
    expect(new Set(identifiers).size).toBe(2);
    expect(certificateProfile(NAME, certificateDer)).toBe(profile);
  });
});

/** What a TLS client that trusts `trusted`, and nothing else, is answered under the house's name. */
async function answerTo(trusted: string, cert: string, key: string): Promise<string> {
  const server = https.createServer({ cert, key }, (_request, response) => response.end("at home"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise<string>((resolve, reject) => {
      const options = { host: "127.0.0.1", port, ca: trusted, servername: NAME, agent: false };
      https
        .get(options, (response) => {
          response.setEncoding("utf8");
          response.once("data", (text: string) => resolve(text));
        })
        .once("error", reject);
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
