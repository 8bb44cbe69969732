import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { connect } from "node:net";
import path from "node:path";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  createCertificateServer,
  type CertificateState,
} from "../../src/http/certificate-server.ts";
import { CERTIFICATE_STYLE } from "../../src/http/certificate-style.ts";
import { languageOf, platformOf } from "../../src/http/certificate-reader.ts";
import type { HubServer } from "../../src/http/server.ts";
import { openAuthority, type Authority } from "../../src/lan/authority.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { CHROMIUM, CHROMIUM_COMMANDS, axe } from "../support/page.ts";
import { missingCommands, projectRoot } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder();
const noBrowser = missingCommands(...CHROMIUM_COMMANDS);
const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1";
const UNNAMED = { isClaimed: false, isNamed: false } as const;
const NAMED = { isClaimed: false, isNamed: true } as const;
const CLAIMED = { isClaimed: true, isNamed: true } as const;

let authority: Authority;
let state: CertificateState;
let chosen: string[];
let refusal: HubError | null;
let server: HubServer;
let url: string;

beforeAll(async () => {
  authority = await openAuthority({
    directory: folder.path,
    name: "doorward.local",
    nowMs: () => Date.now(),
  });
});
afterAll(async () => folder[Symbol.asyncDispose]());

/** A new server for each, since it counts who calls how often. */
beforeEach(async () => {
  state = {
    ...NAMED,
    name: "doorward.local",
    former: [],
    origin: "https://doorward.local:8443",
    authority,
  };
  chosen = [];
  refusal = null;
  server = await createCertificateServer({
    hostNames: ["127.0.0.1", "doorward.local"],
    logLevel: "silent",
    monotonicMs: () => performance.now(),
    state: () => state,
    chooseName: async (name) => {
      if (refusal) throw refusal;
      chosen.push(name);
      state = { ...state, isNamed: true, name };
    },
  });
  url = await server.listen({ host: "127.0.0.1", port: 0 });
  return async () => server.close();
});

async function page(headers: Record<string, string> = {}, at = "/"): Promise<string> {
  const answer = await fetch(`${url}${at}`, { headers });
  expect(answer.status).toBe(200);
  return answer.text();
}

async function choose(name: string, headers: Record<string, string> = { origin: url }) {
  return fetch(`${url}/name`, {
    method: "POST",
    redirect: "manual",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: new URLSearchParams({ name, language: "en" }).toString(),
  });
}

describe("the certificate page", () => {
  test("shows the eight words, the steps of each platform and where the hub is", async () => {
    const html = await page({ "user-agent": IPHONE });
    const words = [...html.matchAll(/<li>([a-z]+)<\/li>/g)].map(([, word]) => word);
    expect(words).toEqual(authority.words);
    expect(html).toContain(authority.fingerprint);
    expect(html).toContain('href="https://doorward.local:8443/"');
    for (const system of ["iPhone and iPad", "Android", "Windows", "Mac", "Linux, and Firefox"])
      expect(html).toContain(`<h3>${system}</h3>`);
    expect(html.match(/<svg class="drawn"/g)?.length).toBeGreaterThan(8);
    expect(html.match(/<details class="card platform" open>/g)).toHaveLength(1);
    expect(html.indexOf("iPhone and iPad")).toBeLessThan(html.indexOf("Android"));
    // First the certificate, then the home screen, and only then the claim.
    const order = [
      "Profile Downloaded",
      "Certificate Trust Settings",
      "Open the hub",
      "home screen",
      "the code",
    ];
    const places = order.map((each) => html.indexOf(each));
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    expect(places[0]).toBeGreaterThan(0);
  });

  test("speaks the reader's language, and the one that was chosen on it", async () => {
    expect(await page({ "accept-language": "fr-CA,en;q=0.5" })).toContain('<html lang="fr">');
    expect(await page({ "accept-language": "fr" }, "/?language=en")).toContain('<html lang="en">');
    expect(languageOf("de-DE, fr;q=0.3, en;q=0.2", {})).toBe("fr");
    expect(languageOf("de, fr;q=0, en;q=0.1", {})).toBe("en");
    expect(languageOf(`${"de,".repeat(5_000)}fr`, { language: ["fr"] })).toBe("en");
    expect(languageOf(undefined, null)).toBe("en");
    expect(platformOf("x".repeat(100_000))).toBe("linux");
    expect(platformOf("Mozilla/5.0 (Linux; Android 15)")).toBe("android");
  });

  test("says it in French as French is written, without a word left in English", async () => {
    for (const shown of [UNNAMED, NAMED, CLAIMED]) {
      state = { ...state, ...shown, name: "door.example.org" };
      const html = await page({ "accept-language": "fr", "user-agent": IPHONE });
      const text = html.replaceAll(/<[^>]*>/g, " ");
      // Signs that a line could begin with are held by a space that does not break.
      expect(
        text.match(/.{0,20}(?:(?<!\u00a0)[;!?»]|(?<!\u00a0):(?!\/\/|\d)|«(?!\u00a0)).{0,5}/g),
      ).toBeNull();
      expect(text).not.toMatch(/\b(?:the|your|hub)\b/i);
    }
  });

  test("gives the authority's certificate, as what each system takes", async () => {
    const [der, pem, profile] = await Promise.all(
      ["crt", "pem", "mobileconfig"].map(async (ending) => fetch(`${url}/doorward.${ending}`)),
    );
    if (!der || !pem || !profile) throw new Error("three files were asked for");
    expect(der.headers.get("content-type")).toBe("application/x-x509-ca-cert");
    expect(der.headers.get("content-disposition")).toContain('filename="doorward.crt"');
    const bytes = Buffer.from(await der.arrayBuffer());
    expect(new Uint8Array(bytes)).toEqual(authority.certificateDer);
    expect(new X509Certificate(await pem.text()).raw).toEqual(bytes);
    expect(profile.headers.get("content-type")).toBe("application/x-apple-aspen-config");
    expect(await profile.text()).toContain(bytes.toString("base64"));
  });

  test("hands out nothing else, whatever is asked of it and how", async () => {
    const paths = [
      "/api/health",
      "/api/lan",
      "/api/openapi.json",
      "/index.html",
      "/doorward.key",
      "/name",
    ];
    const unknown = await fetch(`${url}/nowhere`);
    const nothing = await unknown.text();
    expect(unknown.status).toBe(404);
    for (const each of [...paths, "/..%2fsecrets", "/authority-doorward.local.pem"]) {
      const answer = await fetch(`${url}${each}`);
      expect([answer.status, await answer.text()], each).toEqual([404, nothing]);
    }
    for (const method of ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "POST"])
      expect((await fetch(`${url}/`, { method })).status, method).toBe(404);
    for (const shown of [UNNAMED, NAMED, CLAIMED]) {
      state = { ...state, ...shown };
      expect(await page()).not.toMatch(/PRIVATE KEY|camera|version|0\.\d+\.\d+/i);
    }
  });

  test("lets nothing run, load or be framed, and answers only to its own names", async () => {
    const { headers } = await fetch(`${url}/`);
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    expect(headers.get("set-cookie")).toBeNull();
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("server")).toBeNull();
    const html = await page();
    expect(html).not.toMatch(/<script|<style|\sstyle=|\son\w+=|javascript:/i);
    expect(await statusWithHost("attacker.example")).toContain(" 421 ");
    expect(await statusWithHost("doorward.local:8088")).toContain(" 200 ");
  });

  test("looks like the rest of the product", () => {
    const tokens = readFileSync(path.join(projectRoot, "web/page/styles/tokens.css"), "utf8");
    expect(CERTIFICATE_STYLE.startsWith(tokens)).toBe(true);
  });

  test("has little to say where nothing has to be installed, or the hub is not there yet", async () => {
    state = { ...state, authority: null };
    const own = await page();
    expect(own).toContain("nothing to install");
    expect(own).toContain("https://doorward.local:8443");
    expect((await fetch(`${url}/doorward.crt`)).status).toBe(404);
    state = { ...state, authority, origin: null };
    expect(await page()).toContain("does not answer under this name yet");
  });

  test("ends a caller that asks too often", async () => {
    const answers: number[] = [];
    for (let call = 0; call < 70; call += 1) answers.push((await fetch(`${url}/style.css`)).status);
    expect(answers.slice(0, 60).every((status) => status === 200)).toBe(true);
    expect(answers.slice(-5)).toEqual([429, 429, 429, 429, 429]);
  });
});

test("machines that ask without end keep the page from nobody else", async () => {
  const busy = await createCertificateServer({
    ...{ hostNames: ["127.0.0.1"], logLevel: "silent", monotonicMs: () => 0, state: () => state },
    chooseName: async () => undefined,
  });
  const { port } = new URL(await busy.listen({ host: "127.0.0.1", port: 0 }));
  const askedFrom = async (localAddress: string): Promise<number> => {
    const sent = http.get({ host: "127.0.0.1", port, localAddress, agent: false });
    const [answer] = (await once(sent, "response")) as [http.IncomingMessage];
    answer.resume();
    await once(answer, "end");
    return answer.statusCode ?? 0;
  };
  const others = [2, 3, 4, 5, 6].map(async (last) => {
    for (let call = 0; call < 120; call += 1) await askedFrom(`127.0.0.${last}`);
    return askedFrom(`127.0.0.${last}`);
  });
  expect(await Promise.all(others)).toEqual([429, 429, 429, 429, 429]);
  expect(await askedFrom("127.0.0.1")).toBe(200);
  await busy.close();
});

describe("the name of the house", () => {
  beforeEach(() => {
    state = { ...state, ...UNNAMED };
  });

  test("is asked for first, before there is a certificate to fetch", async () => {
    const html = await page();
    expect(html).toContain("Do you want to look in from away?");
    expect(html).not.toContain('class="words"');
    expect(html).not.toContain("doorward.crt");
    for (const ending of ["crt", "pem", "mobileconfig"])
      expect((await fetch(`${url}/doorward.${ending}`)).status).toBe(404);
  });

  test("is taken as people type it, once", async () => {
    const answer = await choose(" https://Door.Example.org/ ");
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/?language=en"]);
    expect(chosen).toEqual(["door.example.org"]);
    expect(await page()).toContain("door.example.org");
    expect(await page()).toContain("an A record");
    expect((await choose("other.example.org")).status).toBe(404);
    state = { ...state, ...UNNAMED, isClaimed: true };
    expect((await choose("other.example.org")).status).toBe(404);
    expect(chosen).toHaveLength(1);
  });

  test("is refused with a reason where it cannot be one", async () => {
    for (const typed of ["192.168.1.5", "door", '"><script>alert(1)</script>', "a b.example.org"]) {
      const answer = await choose(typed);
      const html = await answer.text();
      expect(answer.status, typed).toBe(422);
      expect(html).toContain("A hub cannot go by that name");
      expect(html).not.toContain("<script>");
    }
    refusal = new HubError("LAN_NAME_TAKEN", "Cannot go by doorward.local: 192.0.2.7 does");
    const taken = await choose("doorward.local");
    expect(taken.status).toBe(409);
    const said = await taken.text();
    expect(said).toContain("Another machine here goes by that name already");
    expect(said).not.toContain("192.0.2.7");
    expect(chosen).toEqual([]);
  });

  test("is not taken from another site's page, an endless form, or somebody who tries on and on", async () => {
    const attacker = { origin: "http://attacker.example" };
    expect((await choose("evil.example.org", attacker)).status).toBe(403);
    expect((await choose("evil.example.org", { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await choose("a".repeat(2_000))).status).toBe(413);
    const statuses: number[] = [];
    for (let call = 0; call < 8; call += 1) statuses.push((await choose("door")).status);
    expect(statuses.at(-1)).toBe(429);
    expect(chosen).toEqual([]);
  });
});

describe.skipIf(noBrowser)("in a browser that runs no scripts", () => {
  test("the name is chosen and the way on is shown; axe finds nothing in any look", async () => {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    try {
      state = { ...state, ...UNNAMED };
      const plain = await browser.newContext({
        ...{ javaScriptEnabled: false, locale: "fr-FR", userAgent: IPHONE },
        viewport: { width: 390, height: 844 },
      });
      const phone = await plain.newPage();
      await phone.goto(url);
      await phone.getByLabel("Nom de la centrale").fill("Porte");
      await phone.getByRole("button", { name: "Prendre ce nom" }).click();
      expect(await phone.getByRole("alert").textContent()).toContain("ne peut pas porter ce nom");
      await phone.getByRole("button", { name: "Prendre doorward.local" }).click();
      expect(await phone.getByRole("heading", { level: 1 }).textContent()).toContain("centrale");
      expect(chosen).toEqual(["doorward.local"]);
      expect(await phone.getByRole("link", { name: "Télécharger le profil" }).count()).toBe(1);
      const width = await phone.evaluate<number>("document.documentElement.scrollWidth");
      expect(width).toBeLessThanOrEqual(390);
      for (const [shown, colorScheme, locale] of [
        [NAMED, "light", "en-GB"],
        [NAMED, "dark", "fr-FR"],
        [UNNAMED, "dark", "en-GB"],
        [CLAIMED, "light", "fr-FR"],
      ] as const) {
        state = { ...state, ...shown };
        const context = await browser.newContext({ colorScheme, locale, userAgent: IPHONE });
        const looked = await context.newPage();
        await looked.goto(url);
        expect(await axe(looked), `${colorScheme} ${locale}`).toEqual([]);
        await context.close();
      }
    } finally {
      await browser.close();
    }
  });
});

async function statusWithHost(host: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.end(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  const [first] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return first.toString().split("\r\n")[0] ?? "";
}
