import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { once } from "node:events";
import https from "node:https";
import path from "node:path";
import type { AddressInfo } from "node:net";
import { createSecureContext } from "node:tls";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAuthority } from "../../src/lan/authority.ts";
import { makeLeaf } from "../../src/lan/make-certificate.ts";
import { CHROMIUM, CHROMIUM_COMMANDS } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

/**
 * What somebody who took the authority's key can do with it at devices that trust the authority:
 * each rogue certificate is signed with the key itself, by another program than ours.
 */

const NAME = "doorward.local";
const noOpenssl = missingCommands("openssl");
const noBrowser = missingCommands(...CHROMIUM_COMMANDS, "certutil", "openssl");

/** Contents of certificates that the authority must not be able to vouch for. */
const ROGUES: Readonly<Record<string, { subject?: string; extensions: string }>> = {
  "another site": { extensions: "subjectAltName=DNS:bank.example" },
  "a sibling under .local": { extensions: "subjectAltName=DNS:printer.local" },
  "the name at the end of another": { extensions: "subjectAltName=DNS:evil-doorward.local" },
  "the name and another site": { extensions: "subjectAltName=DNS:doorward.local,DNS:bank.example" },
  "a wildcard": { extensions: "subjectAltName=DNS:*.example" },
  "a wildcard over the name": { extensions: "subjectAltName=DNS:*.local" },
  "an IPv4 address": { extensions: "subjectAltName=IP:127.0.0.1" },
  "an IPv6 address": { extensions: "subjectAltName=IP:::1" },
  "an e-mail address": { extensions: "subjectAltName=email:owner@example.org" },
  "an e-mail address at the name": { extensions: "subjectAltName=email:owner@doorward.local" },
  "a URI": { extensions: "subjectAltName=URI:https://bank.example/" },
  "a site in the subject alone": { subject: "/CN=bank.example", extensions: "" },
};

const folder = temporaryFolder();
const at = (...parts: string[]) => path.join(folder.path, ...parts);
afterAll(async () => folder[Symbol.asyncDispose]());

beforeAll(async () => {
  const authority = await openAuthority({ directory: at(), name: NAME, nowMs: () => Date.now() });
  const content = await readFile(at(`authority-${NAME}.pem`), "utf8");
  const [key = "", issuer = ""] = content.split(/(?=-----BEGIN CERTIFICATE)/);
  const { certPem, keyPem } = await authority.leaf();
  await writeFile(at("root.pem"), authority.certificatePem);
  await writeFile(at("issuer.pem"), issuer);
  await writeFile(at("issuer.key"), key, { mode: 0o600 });
  await writeFile(at("leaf.pem"), certPem);
  await writeFile(at("leaf.key"), keyPem, { mode: 0o600 });
  if (noOpenssl) return;
  for (const [name, { subject, extensions }] of Object.entries(ROGUES))
    signed(name, "issuer", subject ?? "/CN=rogue", `${extensions}\n`);
});

function openssl(...parameters: string[]): void {
  execFileSync("openssl", parameters, { stdio: "pipe" });
}

/** Makes `NAME.pem` with `NAME.key`, signed by the `by`'s key. */
function signed(name: string, by: string, subject: string, extensions: string): void {
  const request = at(`${name}.csr`);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", ...curve, "-subj", subject, "-keyout", at(`${name}.key`), "-out", request);
  writeFileSync(at(`${name}.ext`), extensions);
  openssl(
    ...["x509", "-req", "-in", request, "-days", "30", "-out", at(`${name}.pem`)],
    ...["-CA", at(`${by}.pem`), "-CAkey", at(`${by}.key`), "-extfile", at(`${name}.ext`)],
  );
}

function verify(file: string, ...parameters: string[]): { isGood: boolean; said: string } {
  const purpose = ["-x509_strict", "-purpose", "sslserver"];
  const trust = ["-CAfile", at("root.pem"), "-untrusted", at("issuer.pem"), "-no-CApath"];
  const done = spawnSync("openssl", ["verify", ...purpose, ...trust, ...parameters, file], {
    encoding: "utf8",
  });
  return { isGood: done.status === 0, said: done.stdout + done.stderr };
}

describe.skipIf(noOpenssl)("what the authority's key can sign, by OpenSSL", () => {
  test("is a server of the one name", () => {
    expect(verify(at("leaf.pem"), "-verify_hostname", NAME)).toMatchObject({ isGood: true });
    expect(verify(at("leaf.pem"), "-verify_hostname", "bank.example").isGood).toBe(false);
    signed("own", "issuer", "/CN=own", `subjectAltName=DNS:${NAME}\n`);
    expect(verify(at("own.pem"), "-verify_hostname", NAME)).toMatchObject({ isGood: true });
  });

  test("is also a name below it, which the standard permits with it", () => {
    signed("below", "issuer", "/CN=below", `subjectAltName=DNS:any.${NAME}\n`);
    expect(verify(at("below.pem"))).toMatchObject({ isGood: true });
  });

  test.each(Object.keys(ROGUES))("is not %s", (name) => {
    const { isGood, said } = verify(at(`${name}.pem`));
    expect(isGood).toBe(false);
    expect(said).toMatch(/permitted subtree violation|excluded subtree violation/);
  });

  test("is not another authority, nor anything but a server", () => {
    signed("below-ca", "issuer", "/CN=more", "basicConstraints=critical,CA:TRUE\n");
    signed("under-it", "below-ca", "/CN=rogue", `subjectAltName=DNS:${NAME}\n`);
    const { isGood, said } = verify(at("under-it.pem"), "-untrusted", at("below-ca.pem"));
    expect(isGood).toBe(false);
    expect(said).toContain("path length constraint exceeded");
    for (const purpose of ["sslclient", "smimesign", "timestampsign"])
      expect(verify(at("leaf.pem"), "-purpose", purpose).isGood, purpose).toBe(false);
  });

  test("is bound twice: in what is trusted, and in what signs", () => {
    for (const file of ["root.pem", "issuer.pem"]) {
      const said = execFileSync("openssl", ["x509", "-in", at(file), "-noout", "-text"], {
        encoding: "utf8",
      });
      expect(said).toContain("X509v3 Name Constraints: critical");
      expect(said).toContain("X509v3 Basic Constraints: critical");
      expect(said).toContain("X509v3 Key Usage: critical\n                Certificate Sign\n");
      expect(said).toContain("X509v3 Subject Key Identifier");
      expect(said).toContain("X509v3 Authority Key Identifier");
      expect(said).toContain(file === "root.pem" ? "pathlen:1" : "pathlen:0");
      expect(said.match(/DNS:\S+/g)).toEqual([`DNS:${NAME}`]);
    }
  });
});

describe.skipIf(noBrowser)("devices that trust the authority", () => {
  test("open the hub in Chromium, and nothing else that its key signs", async () => {
    const sites: Record<string, string> = {
      "bank.example": "another site",
      "printer.local": "a sibling under .local",
      "evil-doorward.local": "the name at the end of another",
      "www.example": "a wildcard",
      "127.0.0.1": "an IPv4 address",
    };
    // An authority without constraints: shows that only they are what keeps the others out.
    plainAuthority();
    signed("plain", "any", "/CN=plain", "subjectAltName=DNS:shop.example\n");
    await using served = await serveByName((name) => {
      const chosen = name === NAME ? "leaf" : name === "shop.example" ? "plain" : sites[name];
      const file = chosen ?? "an IPv4 address";
      const issuer =
        file === "leaf" || file === "plain" ? "" : readFileSync(at("issuer.pem"), "utf8");
      return { cert: readFileSync(at(`${file}.pem`), "utf8") + issuer, key: at(`${file}.key`) };
    });
    await trust("root.pem", "any.pem");
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--no-proxy-server", "--host-resolver-rules=MAP * 127.0.0.1"],
      env: { ...process.env, HOME: folder.path },
    });
    try {
      const page = await browser.newPage();
      const open = async (name: string) =>
        page.goto(`https://${name}:${served.port}/`).then(
          async (response) => (await response?.text()) ?? "nothing",
          (error: unknown) => /net::\w+/.exec(String(error))?.[0] ?? String(error),
        );
      expect(await open(NAME)).toBe("open");
      expect(await page.evaluate("isSecureContext")).toBe(true);
      expect(await open("shop.example")).toBe("open");
      for (const name of Object.keys(sites))
        expect(await open(name), name).toMatch(
          /^net::ERR_CERT_(?:INVALID|NAME_CONSTRAINT_VIOLATION|AUTHORITY_INVALID)$/,
        );
    } finally {
      await browser.close();
    }
  });

  test("refuse another site in Node's client too", async () => {
    const issuer = {
      certificatePem: await readFile(at("issuer.pem"), "utf8"),
      keyPem: await readFile(at("issuer.key"), "utf8"),
    };
    const validity = { fromMs: Date.now() - 60_000, untilMs: Date.now() + 86_400_000 };
    const rogue = await makeLeaf(issuer, "bank.example", validity);
    await writeFile(at("rogue.key"), rogue.keyPem);
    await using served = await serveByName((name) => ({
      cert:
        name === NAME
          ? readFileSync(at("leaf.pem"), "utf8")
          : rogue.certificatePem + issuer.certificatePem,
      key: at(name === NAME ? "leaf.key" : "rogue.key"),
    }));
    const ca = await readFile(at("root.pem"));
    const ask = async (servername: string) =>
      new Promise<string>((resolve) => {
        https
          .get(
            { host: "127.0.0.1", port: served.port, servername, ca, agent: false },
            (response) => {
              response.resume();
              resolve("open");
            },
          )
          .once("error", (error) => resolve(error.message));
      });
    expect(await ask(NAME)).toBe("open");
    expect(await ask("bank.example")).toBe("permitted subtree violation");
  });
});

function plainAuthority(): void {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const files = ["-keyout", at("any.key"), "-out", at("any.pem")];
  openssl("req", "-x509", ...curve, "-subj", "/CN=any", "-days", "30", ...files);
}

/** Puts authorities into the store that the browser of this home looks into. */
async function trust(...files: string[]): Promise<void> {
  const store = at(".pki", "nssdb");
  await mkdir(store, { recursive: true });
  execFileSync("certutil", ["-d", `sql:${store}`, "-N", "--empty-password"]);
  for (const file of files)
    execFileSync("certutil", ["-d", `sql:${store}`, "-A", "-t", "C,,", "-n", file, "-i", at(file)]);
}

async function serveByName(
  certificateOf: (name: string) => { cert: string; key: string },
): Promise<AsyncDisposable & { port: number }> {
  const contextOf = (name: string) => {
    const { cert, key } = certificateOf(name);
    return { cert, key: readFileSync(key) };
  };
  const server = https.createServer(
    {
      // A browser that calls an address says no name.
      ...contextOf("127.0.0.1"),
      SNICallback: (name, done) => done(null, createSecureContext(contextOf(name))),
    },
    (_request, response) => response.end("open"),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
