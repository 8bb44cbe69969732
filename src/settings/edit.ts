import { isMap, isSeq, parseDocument, type Document } from "yaml";
import type { ChimeBody } from "../protocol/api-chime.ts";
import type { SettingsCameraBody, SettingsRetentionBody } from "../protocol/api-settings.ts";
import { MalformedInput } from "../protocol/errors.ts";

/**
 * Changes to the text of the settings file and of the cameras' secrets, with whatever comments stand
 * there. What comes out is judged afterwards, by the same schema as at start.
 */

/** No folding: a line stays as long as its writer made it. */
const AS_WRITTEN = { lineWidth: 0 } as const;

/** @param text - Has been read as settings before: it has no error. */
export function editText(text: string, edit: (document: Document.Parsed) => void): string {
  const document = parseDocument(text);
  edit(document);
  return document.toString(AS_WRITTEN);
}

/** Undefined leaves a member as it is, null removes it. */
function put(
  document: Document.Parsed,
  at: readonly (string | number)[],
  value: string | boolean | null | undefined,
): void {
  if (value === undefined) return;
  if (value !== null) document.setIn(at, value);
  // What is not there, with all that it would stand in, needs no removing.
  else if (document.hasIn(at)) document.deleteIn(at);
}

export function putName(document: Document.Parsed, name: string): void {
  put(document, ["name"], name);
}

/** What is said of the local network; what is left out stays as it is. */
export function putListen(
  document: Document.Parsed,
  { lan, name }: { readonly lan?: boolean; readonly name?: string },
): void {
  // `listen:` with nothing behind it is no map that could be added to.
  if (!isMap(document.get("listen"))) document.set("listen", document.createNode({}));
  put(document, ["listen", "lan"], lan);
  put(document, ["listen", "name"], name);
}

export function putRetention(document: Document.Parsed, body: SettingsRetentionBody): void {
  for (const member of ["motion", "bell", "space"] as const)
    put(document, ["retention", member], body[member]);
  const left = document.get("retention");
  // `retention:` with nothing in it would be read as something of the wrong shape.
  if (isMap(left) && left.items.length === 0) document.delete("retention");
}

/** The members of a camera that stand in the file. */
export type CameraMembers = Pick<
  SettingsCameraBody,
  "name" | "main" | "sub" | "onvif" | "audio" | "talk" | "faces" | "blur"
>;

export function putCamera(document: Document.Parsed, id: string, members: CameraMembers): void {
  if (!isSeq(document.get("cameras"))) document.set("cameras", document.createNode([]));
  const found = cameraIndex(document, id);
  const list = document.get("cameras");
  // An empty list is written in brackets, and what is added would stay inside them.
  if (isSeq(list) && list.items.length === 0) list.flow = false;
  if (found < 0) document.addIn(["cameras"], document.createNode({ id }));
  const at = ["cameras", found < 0 ? cameraIndex(document, id) : found];
  for (const member of ["name", "main", "sub", "onvif", "audio", "talk", "faces"] as const)
    put(document, [...at, member], members[member]);
  for (const member of ["cover", "plates", "mode"] as const)
    put(document, [...at, "blur", member], members.blur?.[member]);
}

/** Nothing where there is no such camera. */
export function putPrivacyHours(
  document: Document.Parsed,
  id: string,
  hours: readonly { days: readonly string[]; from: string; to: string }[],
): void {
  const index = cameraIndex(document, id);
  if (index < 0) return;
  putHours(document, ["cameras", index, "privacy"], hours);
}

function putHours(
  document: Document.Parsed,
  at: readonly (string | number)[],
  hours: readonly { days: readonly string[]; from: string; to: string }[],
): void {
  if (hours.length === 0) {
    if (document.hasIn(at)) document.deleteIn(at);
    return;
  }
  const list = document.createNode(hours.map(({ days, from, to }) => ({ days, from, to })));
  // One line an entry: [mon, tue] is how a person would write it.
  for (const item of list.items) if (isMap(item)) item.flow = true;
  document.setIn(at, list);
}

/** Nothing where there is no such camera. */
export function removeCamera(document: Document.Parsed, id: string): void {
  const index = cameraIndex(document, id);
  if (index < 0) return;
  document.deleteIn(["cameras", index]);
}

/** Where a camera stands in the text's list; -1 where it does not. */
export function cameraIndex(document: Document.Parsed, id: string): number {
  const list = document.get("cameras");
  if (!isSeq(list)) return -1;
  return list.items.findIndex((item) => isMap(item) && item.get("id") === id);
}

/** The device stays as it stands in the file. */
export function putChime(document: Document.Parsed, { audio, mqtt, quiet }: ChimeBody): void {
  if (!isMap(document.get("chime"))) document.set("chime", document.createNode({}));
  put(document, ["chime", "audio"], audio !== null);
  if (audio) {
    document.setIn(["chime", "sound"], audio.sound);
    document.setIn(["chime", "volume"], audio.volume);
  }
  for (const member of ["topic", "payload"] as const)
    put(document, ["chime", "mqtt", member], mqtt?.[member]);
  if (!mqtt && document.hasIn(["chime", "mqtt"])) document.deleteIn(["chime", "mqtt"]);
  putHours(document, ["chime", "quiet"], quiet);
}

/** Undefined leaves what is kept, null removes it. */
export interface SecretChange {
  readonly username: string | null | undefined;
  readonly password: string | null | undefined;
}

export function putSecret(document: Document.Parsed, id: string, change: SecretChange): void {
  put(document, [id, "user"], change.username);
  put(document, [id, "password"], change.password);
  const left = document.get(id);
  if (isMap(left) && left.items.length === 0) document.delete(id);
}

export interface SplitUrl {
  /** Without user name and password. */
  readonly url: string;
  readonly username: string | null;
  readonly password: string | null;
}

/**
 * Takes user name and password out of an address, so that they are kept apart from it.
 *
 * @throws MalformedInput where it cannot be told what belongs to them. The message never repeats it.
 */
export function splitUrl(field: "main" | "sub", text: string): SplitUrl {
  const [, scheme = "", secret = "", rest = ""] =
    /^([a-z][a-z0-9+.-]*:\/\/)(?:([^/?#]*)@)?([^]*)$/i.exec(text) ?? [];
  // A "/", "?" or "#" in a password ends the part in front of the host: its rest would stay behind.
  if (rest.includes("@") || (scheme === "" && text.includes("@")))
    throw new MalformedInput(
      field,
      `Cannot save ${field}: it has an @ behind its host; give user name and password apart, and write an @ of the path as %40`,
    );
  if (secret === "")
    return { url: scheme === "" ? text : scheme + rest, username: null, password: null };
  const colon = secret.indexOf(":");
  try {
    const username = decodeURIComponent(colon < 0 ? secret : secret.slice(0, colon));
    const password = colon < 0 ? null : decodeURIComponent(secret.slice(colon + 1));
    if (/\p{Cc}/u.test(`${username}${password ?? ""}`)) throw new URIError("a control character");
    return { url: scheme + rest, username: username === "" ? null : username, password };
  } catch {
    throw new MalformedInput(
      field,
      `Cannot save ${field}: its user name or password has a % that is no escape of a character; give them apart`,
    );
  }
}

/** Host and port of an address; null where it is none. */
export function hostOf(url: string | null): string | null {
  return url !== null && URL.canParse(url) ? new URL(url).host : null;
}

/** Host of an address without its port; null where it is none. */
export function hostNameOf(url: string | null): string | null {
  return url !== null && URL.canParse(url) ? new URL(url).hostname : null;
}
