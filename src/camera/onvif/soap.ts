import { createHash, randomBytes, randomUUID } from "node:crypto";
import { CameraError } from "../camera-error.ts";
import type { Credentials } from "../rtsp-digest.ts";
import { wrongPassword, type DeviceHttp, type DeviceResponse } from "../device-http.ts";
import { at, child, childrenOf, escapeXml, parseXml, textAt, type XmlElement } from "./xml.ts";

/** SOAP 1.2 and what ONVIF Core section 5 puts around it. */
export const NAMESPACES = {
  soap: "http://www.w3.org/2003/05/soap-envelope",
  addressing: "http://www.w3.org/2005/08/addressing",
  security: "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
  utility: "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
  device: "http://www.onvif.org/ver10/device/wsdl",
  media: "http://www.onvif.org/ver10/media/wsdl",
  media2: "http://www.onvif.org/ver20/media/wsdl",
  events: "http://www.onvif.org/ver10/events/wsdl",
  deviceIo: "http://www.onvif.org/ver10/deviceIO/wsdl",
  schema: "http://www.onvif.org/ver10/schema",
  notification: "http://docs.oasis-open.org/wsn/b-2",
} as const;

const PASSWORD_DIGEST =
  "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest";
const BASE64 =
  "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";
const REASON_LENGTH_MAX = 200;

export interface SoapCall {
  /** On the device's own host; checked where it is sent. */
  readonly url: string;
  /** `wsa:Action`, also in `Content-Type`. */
  readonly action: string;
  /** The one child of the body, as XML. Texts in it are escaped by who writes it. */
  readonly body: string;
  /** Further header blocks, as XML: what a subscription asks to be repeated. */
  readonly header?: string;
  /**
   * `none`: no user is shown. `not-needed`: one is, and that the device answers says nothing about
   * it (access class PRE_AUTH of ONVIF Core).
   */
  readonly login?: "none" | "not-needed";
  /** Beyond the usual, where the device holds its answer back. */
  readonly answerTimeoutMs?: number;
  readonly totalTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface SoapOptions {
  readonly http: DeviceHttp;
  readonly credentials: Credentials | null;
  readonly nowMs: () => number;
}

/**
 * Calls of one device. It shows the password as WS-UsernameToken, with the device's own time, and
 * where the device wants HTTP digest instead, as that. Never both, and never in the clear.
 */
export class SoapClient {
  readonly #options: SoapOptions;
  /** Device clock minus this one, as it was measured; 0 before. */
  clockOffsetMs = 0;
  #login: "token" | "digest" = "token";
  /** A login has been accepted, so that a refusal later is about rights, not about the password. */
  #isKnown = false;

  constructor(options: SoapOptions) {
    this.#options = options;
  }

  get http(): DeviceHttp {
    return this.#options.http;
  }

  get hasCredentials(): boolean {
    return this.#options.credentials !== null;
  }

  /**
   * @returns the child of the answer's body.
   * @throws CameraError `WRONG_PASSWORD` where the device wants another user; `DEVICE_FAULT` with the
   * device's reason; `NO_ONVIF` where the answer is no SOAP; and as {@link DeviceHttp.request}.
   */
  async call(call: SoapCall): Promise<XmlElement> {
    const first = await this.#exchange(call);
    if (call.login === "none" || !this.hasCredentials || !isUnauthorized(first))
      return this.#judge(first, call);
    if (this.#login === "digest" || this.#isKnown) return this.#judge(first, call);
    // Tried once: some devices know only one of the two, and say so only by refusing.
    this.#login = "digest";
    return this.#judge(await this.#exchange(call), call);
  }

  async #exchange(call: SoapCall): Promise<Answer> {
    const { credentials, http, nowMs } = this.#options;
    const isShown = call.login !== "none" && credentials !== null;
    const token =
      isShown && this.#login === "token"
        ? usernameToken(credentials, nowMs() + this.clockOffsetMs)
        : "";
    const response = await http.request({
      url: call.url,
      method: "POST",
      headers: {
        "content-type": `application/soap+xml; charset=utf-8; action="${call.action}"`,
      },
      body: envelope(call, token),
      challenge: isShown && this.#login === "digest" ? "answer" : "report",
      ...(call.answerTimeoutMs === undefined ? {} : { answerTimeoutMs: call.answerTimeoutMs }),
      ...(call.totalTimeoutMs === undefined ? {} : { totalTimeoutMs: call.totalTimeoutMs }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    return { response, envelope: readEnvelope(response) };
  }

  #judge(answer: Answer, call: SoapCall): XmlElement {
    const { response } = answer;
    if (isUnauthorized(answer)) {
      if (call.login === "none" || !this.hasCredentials)
        throw new CameraError(
          "WRONG_PASSWORD",
          "Cannot log in to camera: it wants a user name and a password, and none is given",
        );
      if (this.#isKnown) throw notAllowed();
      throw wrongPassword();
    }
    if (answer.envelope === null) throw noOnvif(response);
    const body = child(answer.envelope, "Body");
    const found = body?.children[0];
    if (found === undefined && response.status === 200) throw noOnvif(response);
    if (found === undefined || found.name === "Fault" || response.status >= 400)
      throw faultOf(found, response.status);
    if (call.login === undefined && this.hasCredentials) this.#isKnown = true;
    return found;
  }
}

interface Answer {
  readonly response: DeviceResponse;
  /** Null where the answer is no SOAP. */
  readonly envelope: XmlElement | null;
}

function readEnvelope(response: DeviceResponse): XmlElement | null {
  const type = response.headers.get("content-type")?.[0]?.toLowerCase() ?? "";
  // Cameras name SOAP in all kinds of ways, but what is a page or a picture is none.
  if (type !== "" && !/xml|soap|multipart\/related|octet-stream|text\/plain/.test(type))
    return null;
  if (response.body.length === 0) return null;
  const start = Buffer.from(response.body.subarray(0, 512)).toString("latin1");
  if (/^[\s\u00ef\u00bb\u00bf]*<(?:!DOCTYPE\s+html|html)/i.test(start)) return null;
  const root = parseXml(response.body);
  return root.name === "Envelope" ? root : null;
}

function isUnauthorized({ response, envelope }: Answer): boolean {
  if (response.status === 401) return true;
  const fault = at(envelope ?? undefined, "Body", "Fault");
  if (!fault) return false;
  return faultCodes(fault).some((code) =>
    /^(?:NotAuthorized|FailedAuthentication|InvalidSecurity|InvalidSecurityToken|SecurityTokenUnavailable|Sender not Authorized)$/i.test(
      code,
    ),
  );
}

/** Codes from outside to inside, without their prefixes. */
function faultCodes(fault: XmlElement): string[] {
  const codes: string[] = [];
  for (let code = child(fault, "Code"); code && codes.length < 8; code = child(code, "Subcode"))
    codes.push(withoutPrefix(textAt(code, "Value") ?? ""));
  const soap11 = textAt(fault, "faultcode");
  if (soap11 !== null) codes.push(withoutPrefix(soap11));
  return codes;
}

function withoutPrefix(text: string): string {
  return text.slice(text.lastIndexOf(":") + 1);
}

function faultOf(fault: XmlElement | undefined, status: number): CameraError {
  const reason = fault
    ? (childrenOf(child(fault, "Reason"), "Text")[0]?.text ?? textAt(fault, "faultstring"))
    : null;
  const code = fault ? faultCodes(fault).at(-1) : undefined;
  const said = [code, reason].filter((part) => part !== undefined && part !== null && part !== "");
  return new CameraError(
    "DEVICE_FAULT",
    `Cannot do this on camera: it says ${said.length === 0 ? `HTTP ${status}` : plain(said.join(", "))}`,
  );
}

function notAllowed(): CameraError {
  return new CameraError(
    "DEVICE_FAULT",
    "Cannot do this on camera: its user has not the rights for it; give it those of an operator in the camera",
  );
}

function noOnvif({ status }: DeviceResponse): CameraError {
  return new CameraError(
    "NO_ONVIF",
    `Cannot speak ONVIF with camera: what answers there (HTTP ${status}) is no ONVIF device, or ONVIF is switched off in it`,
  );
}

/** One line without control characters, for messages that people read. */
export function plain(text: string, lengthMax = REASON_LENGTH_MAX): string {
  const line = text.replace(/[\p{C}\p{Z}]+/gu, " ").trim();
  return line.length <= lengthMax ? line : `${line.slice(0, lengthMax - 1)}…`;
}

function envelope(call: SoapCall, token: string): string {
  const { soap, addressing } = NAMESPACES;
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<s:Envelope xmlns:s="${soap}" xmlns:a="${addressing}"><s:Header>`,
    `<a:Action s:mustUnderstand="1">${escapeXml(call.action)}</a:Action>`,
    `<a:MessageID>urn:uuid:${randomUUID()}</a:MessageID>`,
    `<a:ReplyTo><a:Address>${addressing}/anonymous</a:Address></a:ReplyTo>`,
    `<a:To s:mustUnderstand="1">${escapeXml(call.url)}</a:To>`,
    token,
    call.header ?? "",
    `</s:Header><s:Body>${call.body}</s:Body></s:Envelope>`,
  ].join("");
}

/**
 * WS-Security UsernameToken Profile 1.0, section 3.1: `Base64(SHA-1(nonce + created + password))`.
 * SHA-1 is what the profile says; the password is as safe in it as its length.
 */
function usernameToken({ username, password }: Credentials, atMs: number): string {
  const { security, utility } = NAMESPACES;
  const nonce = randomBytes(16);
  const created = new Date(atMs).toISOString();
  const digest = createHash("sha1").update(nonce).update(created).update(password, "utf8");
  return [
    `<w:Security s:mustUnderstand="1" xmlns:w="${security}" xmlns:u="${utility}"><w:UsernameToken>`,
    `<w:Username>${escapeXml(username)}</w:Username>`,
    `<w:Password Type="${PASSWORD_DIGEST}">${digest.digest("base64")}</w:Password>`,
    `<w:Nonce EncodingType="${BASE64}">${nonce.toString("base64")}</w:Nonce>`,
    `<u:Created>${created}</u:Created></w:UsernameToken></w:Security>`,
  ].join("");
}
