import type { SettingsAnswer, SettingsCameraBody } from "../protocol/api-settings.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { blurOf } from "./blur.ts";
import { readSecrets, type CameraSecrets, type CameraSettings } from "./cameras.ts";
import { editText, hostNameOf, putSecret, splitUrl, type SecretChange } from "./edit.ts";
import { SettingsError } from "./file.ts";

/** What the page sends of a camera, and what it is told of one. */

export interface CameraChange extends SecretChange {
  readonly main?: string;
  readonly sub?: string | null;
  readonly onvif?: string | null;
}

/** Splits what a person typed into what stands in the file and what is kept apart. */
export function readBody(body: SettingsCameraBody): {
  members: Pick<
    SettingsCameraBody,
    "name" | "main" | "sub" | "onvif" | "audio" | "talk" | "faces" | "blur"
  >;
  secret: SecretChange;
} {
  const { source: _, input: __, username, password, main, sub, ...members } = body;
  const urls = { main, sub };
  let fromUrl: { username: string | null; password: string | null } | null = null;
  for (const member of ["main", "sub"] as const) {
    const text = body[member];
    if (typeof text !== "string") continue;
    const split = splitUrl(member, text);
    urls[member] = split.url;
    if (split.username === null && split.password === null) continue;
    if (fromUrl && (fromUrl.username !== split.username || fromUrl.password !== split.password))
      throw new MalformedInput(
        member,
        `Cannot save ${member}: it has another user or password than main, and a camera has one`,
      );
    fromUrl = { username: split.username, password: split.password };
  }
  return {
    members: {
      ...members,
      ...(urls.main === undefined ? {} : { main: urls.main }),
      ...(urls.sub === undefined ? {} : { sub: urls.sub }),
    },
    secret: {
      username: username === undefined ? fromUrl?.username : username,
      password: password === undefined ? fromUrl?.password : password,
    },
  };
}

/** A camera that moves leaves its old device service behind: the password would still go there. */
export function withoutOtherOnvif<T extends Pick<SettingsCameraBody, "main" | "onvif">>(
  before: { readonly onvif?: string } | null,
  members: T,
): T {
  const isMoved =
    members.main !== undefined && hostNameOf(members.main) !== hostNameOf(before?.onvif ?? null);
  if (before?.onvif === undefined || members.onvif !== undefined || !isMoved) return members;
  return { ...members, onvif: null };
}

export function withSecret(text: string | null, id: string, change: SecretChange): string | null {
  const isRemoval = (change.username ?? null) === null && (change.password ?? null) === null;
  // Not made only to have nothing in it.
  if (text === null && isRemoval) return null;
  return editText(text ?? "", (document) => putSecret(document, id, change));
}

/** Its words could repeat a part of a password, so they are not passed on. */
export function readStoredSecrets(text: string | null): CameraSecrets {
  try {
    return readSecrets("secrets/cameras.yaml", text);
  } catch (cause) {
    if (!(cause instanceof SettingsError)) throw cause;
    throw new SettingsError("secrets/cameras.yaml: Cannot read the cameras' passwords", { cause });
  }
}

export function setInTheFile(): HubError {
  return new HubError(
    "SETTINGS_FILE_ONLY",
    "Cannot save source: a file or device of the hub's machine is set in the settings file only; otherwise whoever has a session could read the machine's files",
  );
}

export function requireNoAddress(body: SettingsCameraBody): void {
  for (const member of ["main", "sub", "onvif", "audio", "talk", "username", "password"] as const)
    if (body[member] !== undefined) throw setInTheFile();
}

export function cameraAnswer(camera: CameraSettings): SettingsAnswer["cameras"][number] {
  const { id, name, source, audio, faces } = camera;
  const common = { id, name, source, audio, faces, blur: blurOf(camera), hasPassword: false };
  if (camera.source !== "rtsp") return common;
  const { main, sub, username, password } = camera;
  return {
    ...common,
    main,
    ...(camera.talk === false ? { talk: false } : {}),
    ...(sub === null ? {} : { sub }),
    ...(camera.onvif === undefined ? {} : { onvif: camera.onvif }),
    hasPassword: password !== null,
    ...(username === null ? {} : { username }),
  };
}
