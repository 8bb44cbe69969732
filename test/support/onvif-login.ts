import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { at, child, textAt, type XmlElement } from "../../src/camera/onvif/xml.ts";

/** How the fake ONVIF device wants to be logged in to. */
export interface FakeLoginOptions {
  readonly username?: string;
  readonly password?: string;
  /** What it takes: a UsernameToken, HTTP digest, either (as most do), or no login at all. */
  readonly login?: "token" | "digest" | "either" | "none";
  readonly digestAlgorithm?: "MD5" | "SHA-256";
}

export interface FakeLogin {
  readonly kind: "token" | "digest" | "none";
  readonly isGood: boolean;
}

/** ONVIF Core section 5.9.4 leaves the window to the device; five minutes is common. */
const CREATED_WINDOW_MS = 300_000;
const REALM = "fake device";

/** Judges logins as devices do: with its own clock, and taking each nonce once. */
export class FakeLogins {
  readonly #options: FakeLoginOptions;
  readonly #nowMs: () => number;
  readonly #nonces = new Set<string>();
  #nonce = randomBytes(12).toString("hex");

  constructor(options: FakeLoginOptions, nowMs: () => number) {
    this.#options = options;
    this.#nowMs = nowMs;
  }

  challenge(): string {
    const { digestAlgorithm = "MD5" } = this.#options;
    this.#nonce = randomBytes(12).toString("hex");
    return `Digest realm="${REALM}", qop="auth", nonce="${this.#nonce}", algorithm=${digestAlgorithm}`;
  }

  judge(request: IncomingMessage, envelope: XmlElement | undefined): FakeLogin {
    const { login = "either" } = this.#options;
    const token = at(envelope, "Header", "Security", "UsernameToken");
    const digest = request.headers.authorization;
    const kind = digest !== undefined ? "digest" : token ? "token" : "none";
    if (login === "none") return { kind, isGood: true };
    const isGood =
      (kind === "digest" && login !== "token" && this.#isGoodDigest(digest ?? "", request)) ||
      (kind === "token" && login !== "digest" && this.#isGoodToken(token));
    return { kind, isGood };
  }

  #isGoodToken(token: XmlElement | undefined): boolean {
    const { username = "admin", password = "secret" } = this.#options;
    const nonce = textAt(token, "Nonce") ?? "";
    const created = textAt(token, "Created") ?? "";
    if (Math.abs(Date.parse(created) - this.#nowMs()) > CREATED_WINDOW_MS) return false;
    if (!Number.isFinite(Date.parse(created)) || this.#nonces.has(nonce)) return false;
    this.#nonces.add(nonce);
    const type = child(token, "Password")?.attributes.get("Type") ?? "";
    const expected = createHash("sha1")
      .update(Buffer.from(nonce, "base64"))
      .update(created)
      .update(password, "utf8")
      .digest("base64");
    return (
      type.endsWith("#PasswordDigest") &&
      textAt(token, "Username") === username &&
      textAt(token, "Password") === expected
    );
  }

  #isGoodDigest(header: string, request: IncomingMessage): boolean {
    const { username = "admin", password = "secret", digestAlgorithm = "MD5" } = this.#options;
    const field = (name: string): string =>
      new RegExp(`\\b${name}="?([^",]*)"?`).exec(header)?.[1] ?? "";
    const hash = (text: string): string =>
      createHash(digestAlgorithm === "MD5" ? "md5" : "sha256")
        .update(text)
        .digest("hex");
    const key = hash(`${username}:${REALM}:${password}`);
    const what = hash(`${request.method}:${request.url}`);
    const middle = `${field("nonce")}:${field("nc")}:${field("cnonce")}:auth`;
    return (
      field("nonce") === this.#nonce &&
      field("username") === username &&
      field("response") === hash(`${key}:${middle}:${what}`)
    );
  }
}
