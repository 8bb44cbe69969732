import "reflect-metadata";
import {
  createDecipheriv,
  createECDH,
  createPublicKey,
  hkdfSync,
  randomBytes,
  verify,
  webcrypto,
  X509Certificate,
} from "node:crypto";
import { once } from "node:events";
import https from "node:https";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import * as x509 from "@peculiar/x509";

/**
 * A push service of our own (RFC 8030): takes what a hub hands over, keeps it as it came, and opens
 * it with the browser's private half. What it checks and opens, it does with Node's own modules and
 * not with the library that the hub encrypts with.
 */

/** One push as it came over the wire. */
export interface TakenPush {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Header lines and body, as one text of bytes: for looking for what must not be there. */
  readonly wire: Buffer;
  readonly body: Buffer;
  readonly atMs: number;
}

/** What a browser would have subscribed with; its private half stays here. */
export interface TestSubscription {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
  open(body: Buffer): string;
}

export interface PushReplyGiven {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Never answers. */
  readonly isSilent?: boolean;
}

export interface PushService extends AsyncDisposable {
  /** As the settings name it. */
  readonly host: string;
  readonly origin: string;
  readonly taken: TakenPush[];
  connections: number;
  /** How it answers from now on. */
  answer(request: TakenPush): PushReplyGiven;
  subscription(): TestSubscription;
  /** Resolves once so many have come in. */
  has(count: number): Promise<void>;
}

const TAKEN: PushReplyGiven = { status: 201, headers: { location: "/message/1" } };

/** Trusted by every connection of this process until it is disposed. */
export async function startPushService(): Promise<PushService> {
  const { cert, key } = await certificate();
  const before = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...before, cert]);
  const taken: TakenPush[] = [];
  const waiting = new Set<() => void>();
  const server = https.createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const head = `${request.method} ${request.url}\n${request.rawHeaders.join("\n")}\n`;
      const push: TakenPush = {
        ...{ path: request.url ?? "", headers: request.headers, body },
        wire: Buffer.concat([Buffer.from(head), body]),
        atMs: Date.now(),
      };
      taken.push(push);
      for (const look of waiting) look();
      const { status, headers = {}, body: text = "", isSilent = false } = service.answer(push);
      if (isSilent) return;
      response.writeHead(status, headers);
      response.end(text);
    });
  });
  server.on("secureConnection", () => (service.connections += 1));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const service: PushService = {
    host: `localhost:${port}`,
    origin: `https://localhost:${port}`,
    taken,
    connections: 0,
    answer: () => TAKEN,
    subscription: () => newSubscription(`https://localhost:${port}`),
    has: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (taken.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    [Symbol.asyncDispose]: async () => {
      tls.setDefaultCACertificates(before);
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return service;
}

function newSubscription(origin: string): TestSubscription {
  const browser = createECDH("prime256v1");
  const p256dh = browser.generateKeys();
  const auth = randomBytes(16);
  return {
    endpoint: `${origin}/push/${randomBytes(24).toString("base64url")}`,
    p256dh: p256dh.toString("base64url"),
    auth: auth.toString("base64url"),
    open: (body) => {
      // RFC 8188: salt, record size, length of the key's name, the key's name.
      const salt = body.subarray(0, 16);
      const recordSize = body.readUInt32BE(16);
      const point = body.subarray(21, 21 + (body[20] ?? 0));
      const record = body.subarray(21 + point.length);
      if (record.length > recordSize) throw new Error("more than one record");
      // RFC 8291, 3.4.
      const info = Buffer.concat([Buffer.from("WebPush: info\0"), p256dh, point]);
      const material = Buffer.from(
        hkdfSync("sha256", browser.computeSecret(point), auth, info, 32),
      );
      const derive = (name: string, length: number): Buffer =>
        Buffer.from(hkdfSync("sha256", material, salt, `Content-Encoding: ${name}\0`, length));
      const decipher = createDecipheriv(
        "aes-128-gcm",
        derive("aes128gcm", 16),
        derive("nonce", 12),
      );
      decipher.setAuthTag(record.subarray(-16));
      const plain = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
      const end = plain.findLastIndex((byte) => byte !== 0);
      if (plain[end] !== 2) throw new Error("not the last record");
      return plain.subarray(0, end).toString("utf8");
    },
  };
}

/**
 * RFC 8292: what the hub shows itself with.
 *
 * @throws Error where the token is not signed by the key that stands beside it.
 */
export function readVapid(push: TakenPush): {
  readonly key: string;
  readonly claims: { readonly aud: string; readonly exp: number; readonly sub: string };
} {
  const { authorization } = push.headers;
  const [, token = "", key = ""] =
    /^vapid t=([\w-]+\.[\w-]+\.[\w-]+), k=([\w-]{87})$/.exec(String(authorization)) ?? [];
  const [header = "", claims = "", signature = ""] = token.split(".");
  const point = Buffer.from(key, "base64url");
  const publicKey = createPublicKey({
    key: {
      ...{ kty: "EC", crv: "P-256" },
      x: point.subarray(1, 33).toString("base64url"),
      y: point.subarray(33).toString("base64url"),
    },
    format: "jwk",
  });
  const isSigned = verify(
    "sha256",
    Buffer.from(`${header}.${claims}`),
    { key: publicKey, dsaEncoding: "ieee-p1363" },
    Buffer.from(signature, "base64url"),
  );
  if (!isSigned) throw new Error("the token is not signed by its key");
  const json = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString());
  const { alg } = json(header) as { alg: string };
  if (alg !== "ES256") throw new Error(`signed with ${alg}`);
  return { key, claims: json(claims) as { aud: string; exp: number; sub: string } };
}

async function certificate(): Promise<{ cert: string; key: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const made = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: "CN=localhost",
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + 86_400_000),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true),
        new x509.SubjectAlternativeNameExtension([{ type: "dns", value: "localhost" }]),
      ],
    },
    webcrypto as Parameters<typeof x509.X509CertificateGenerator.createSelfSigned>[1],
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  return {
    cert: new X509Certificate(Buffer.from(made.rawData)).toString(),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString("base64")}\n-----END PRIVATE KEY-----\n`,
  };
}
