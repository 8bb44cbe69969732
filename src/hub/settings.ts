import path from "node:path";
import { writeFileDurably } from "../base/files.ts";
import { probeForPage } from "./camera-masks.ts";
import { findCameras } from "../probe/camera-probe.ts";
import { keptForTrial, testCamera } from "../probe/camera-test.ts";
import type { CameraWatch, SettingsDesk } from "../http/settings-desk.ts";
import type {
  CameraProbeAnswer,
  CameraProbeBody,
  FindCamerasAnswer,
} from "../protocol/api-cameras.ts";
import type {
  CameraTestAnswer,
  CameraTestBody,
  SettingsAnswer,
  SettingsCameraBody,
  SettingsRetentionBody,
} from "../protocol/api-settings.ts";
import type { ChimeBody } from "../protocol/api-chime.ts";
import type { AreasAnswer, AreasBody } from "../protocol/api-areas.ts";
import type { PrivacyHours } from "../protocol/api-privacy.ts";
import type { MotionAnswer, MotionBody } from "../protocol/api-nothing.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import type { BellRuleBody, BellRuleRemoval } from "../protocol/api-bells.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { cameraSecretsFile, readSecrets, type CameraSecrets } from "../settings/cameras.ts";
import { requirePassword } from "../settings/password.ts";
import { readSettingsFrom, SETTINGS_FILE, type Settings } from "../settings/settings.ts";
import {
  cameraAnswer,
  readBody,
  readStoredSecrets,
  requireNoAddress,
  setInTheFile,
  withoutOtherOnvif,
  withSecret,
} from "../settings/camera-body.ts";
import { areasAnswer, withAreas } from "./zones.ts";
import { putBell, removeBell } from "../settings/bell-edit.ts";
import { motionAnswer, putMotion } from "../settings/motion-edit.ts";
import { EXAMPLE_SETTINGS } from "../settings/example.ts";
import {
  editText,
  putCamera,
  putChime,
  putListen,
  putName,
  putPrivacyHours,
  putRetention,
  removeCamera,
  splitUrl,
} from "../settings/edit.ts";
import type { Faces } from "../settings/blur.ts";
import { readSettingsText, SETTINGS_MAX_BYTES, SettingsError } from "../settings/file.ts";

export interface HubSettingsOptions {
  readonly dataDirectory: string;
  /** Null: `doorward.yaml` in the data directory. */
  readonly settingsFile: string | null;
  readonly environment: NodeJS.ProcessEnv;
  /** As they were read at start. */
  readonly settings: Settings;
  /** As at start: whether the machine can blur is found out once. */
  readonly facesUnsaid: Faces;
}

/** What a change of settings does to the rest of the hub. */
export interface SettingsEffects {
  /** Enters the settings into the ledger, committed and synced when it returns. */
  readonly enter: (settings: Settings) => void;
  /** Puts them in force. */
  readonly apply: (settings: Settings) => void;
}

/** Both files as they were read, and what the first of them says. */
interface Read {
  readonly text: string;
  readonly secretsText: string | null;
  readonly settings: Settings;
}

interface Change {
  readonly text: string;
  /** Null leaves the secrets' file alone. */
  readonly secretsText: string | null;
}

/**
 * The settings of a running hub: what is in force, and how the page changes it. Each change starts
 * from the file as it is then, so that what somebody wrote into it by hand is neither lost nor
 * overwritten.
 */
export class HubSettings implements SettingsDesk {
  readonly #options: HubSettingsOptions;
  readonly #file: string;
  readonly #secretsFile: string;
  #current: Settings;
  #effects: SettingsEffects | null = null;
  #tail: Promise<unknown> = Promise.resolve();
  #isTesting = false;

  constructor(options: HubSettingsOptions) {
    this.#options = options;
    this.#file = options.settingsFile ?? path.join(options.dataDirectory, SETTINGS_FILE);
    this.#secretsFile = cameraSecretsFile(options.dataDirectory);
    this.#current = options.settings;
  }

  get current(): Settings {
    return this.#current;
  }

  /** Before the hub listens. */
  setEffects(effects: SettingsEffects): void {
    this.#effects = effects;
  }

  answer(): SettingsAnswer {
    const { name, cameras, outside, retentionWritten = {} } = this.#current;
    const { motion = null, bell = null, space = null } = retentionWritten;
    return {
      name,
      cameras: cameras.map(cameraAnswer),
      retention: { motion, bell, space },
      outside: outside && { port: outside.port, url: outside.url },
      isDemo: cameras.some(({ source }) => source === "demo"),
      file: path.basename(this.#file),
    };
  }

  setName(name: string): Promise<SettingsAnswer> {
    return this.#edit((document) => putName(document, name));
  }

  /** Where the hub listens on the local network, and under which name. */
  setListen(listen: { readonly lan?: boolean; readonly name?: string }): Promise<SettingsAnswer> {
    return this.#edit((document) => putListen(document, listen));
  }

  setRetention(body: SettingsRetentionBody): Promise<SettingsAnswer> {
    return this.#edit((document) => putRetention(document, body));
  }

  setCamera(id: string, body: SettingsCameraBody): Promise<SettingsAnswer> {
    return this.#change((read) => {
      const known = read.settings.cameras.find(
        (camera) => camera.id === id && camera.source !== "demo",
      );
      if (body.source === "ffmpeg" || body.input !== undefined) throw setInTheFile();
      if (known?.source === "ffmpeg") requireNoAddress(body);
      const before = known?.source === "rtsp" ? known : null;
      const { members: written, secret } = readBody(body);
      const members = withoutOtherOnvif(before, written);
      if (!known && members.main === undefined)
        throw new MalformedInput("main", "Cannot save camera: main is missing, its address");
      const { environment } = this.#options;
      requirePassword({ id, before, change: { ...members, ...secret }, environment });
      // What a removed camera of the same name left behind is not this one's.
      const kept = known
        ? secret
        : { username: secret.username ?? null, password: secret.password ?? null };
      return {
        text: editText(read.text, (document) => putCamera(document, id, members)),
        secretsText: withSecret(read.secretsText, id, kept),
      };
    });
  }

  setChime(chime: ChimeBody): Promise<SettingsAnswer> {
    return this.#edit((document) => putChime(document, chime));
  }

  setPrivacyHours(id: string, hours: PrivacyHours): Promise<SettingsAnswer> {
    return this.#change(({ text, settings }) => {
      if (!settings.cameras.some((camera) => camera.id === id && camera.source !== "demo"))
        throw new HubError(
          "NOT_FOUND",
          `Cannot save hours of ${id}: there is no camera of this id in the settings file`,
        );
      return {
        text: editText(text, (document) => putPrivacyHours(document, id, hours)),
        secretsText: null,
      };
    });
  }

  areas(id: string): AreasAnswer {
    return areasAnswer(this.#current.cameras, id);
  }

  async setAreas(id: string, body: AreasBody): Promise<AreasAnswer> {
    await this.#change(({ text, settings: { cameras } }) => ({
      text: withAreas({ text, cameras }, id, body),
      secretsText: null,
    }));
    return this.areas(id);
  }

  motion(id: string): MotionAnswer {
    return motionAnswer(this.#current.cameras, id);
  }

  async setMotion(id: string, body: MotionBody): Promise<MotionAnswer> {
    await this.#edit((document) => putMotion(document, id, body));
    return this.motion(id);
  }

  addBell(camera: string, rule: BellRuleBody): Promise<SettingsAnswer> {
    return this.#edit((document) => putBell(document, camera, rule));
  }

  removeBell(camera: string, rule: BellRuleRemoval): Promise<SettingsAnswer> {
    return this.#edit((document) => removeBell(document, camera, rule));
  }

  removeCamera(id: string): Promise<SettingsAnswer> {
    return this.#change((read) => {
      const known = read.settings.cameras.some(
        (camera) => camera.id === id && camera.source !== "demo",
      );
      if (!known)
        throw new HubError("NOT_FOUND", `Cannot remove camera ${id}: there is none of this name`);
      return {
        text: editText(read.text, (document) => removeCamera(document, id)),
        secretsText: withSecret(read.secretsText, id, { username: null, password: null }),
      };
    });
  }

  async testCamera(body: CameraTestBody): Promise<CameraTestAnswer> {
    const { url, username, password } = splitUrl("main", body.main);
    // The one check of an address, with its words: as if it stood in the file.
    const trial = editText("", (document) => putCamera(document, "trial", { main: url }));
    this.#judge(trial, new Map());
    const kept = keptForTrial(this.#current.cameras, { url, password, body });
    return this.#alone(() =>
      testCamera({
        url,
        username: body.username ?? username ?? (body.username === null ? null : kept.username),
        password: body.password ?? password ?? kept.password,
      }),
    );
  }

  findCameras(watched: CameraWatch): Promise<FindCamerasAnswer> {
    return this.#alone(() => findCameras(watched));
  }

  probeCamera(body: CameraProbeBody, watched: CameraWatch): Promise<CameraProbeAnswer> {
    const { address, username = null, password = null } = body;
    const asked = { address: address.trim(), username, password };
    return this.#alone(() => probeForPage(this.#current.cameras, asked, watched));
  }

  /** Each trial is a process of its own, and cameras have room for few connections. */
  async #alone<T>(run: () => Promise<T>): Promise<T> {
    if (this.#isTesting)
      throw new HubError("CAMERA_TEST_BUSY", "Cannot try camera: another one is being tried; wait");
    this.#isTesting = true;
    try {
      return await run();
    } finally {
      this.#isTesting = false;
    }
  }

  /** A change of the settings file alone. */
  #edit(edit: Parameters<typeof editText>[1]): Promise<SettingsAnswer> {
    return this.#change(({ text }) => ({ text: editText(text, edit), secretsText: null }));
  }

  /** One change after the other, each from the files as they are then. */
  #change(edit: (read: Read) => Change): Promise<SettingsAnswer> {
    const changed = this.#tail.then(() => this.#changeNow(edit));
    this.#tail = changed.catch(() => undefined);
    return changed;
  }

  async #changeNow(edit: (read: Read) => Change): Promise<SettingsAnswer> {
    const effects = this.#effects;
    if (!effects) throw new Error("settings are changed before the hub is there");
    const read = await this.#read();
    const change = edit(read);
    const secretsText = change.secretsText ?? read.secretsText;
    const secrets = readSecrets("secrets", secretsText);
    const settings = this.#judge(change.text, secrets);
    const again = await this.#texts();
    if (again.text !== read.text || again.secretsText !== read.secretsText)
      throw new HubError(
        "SETTINGS_CHANGED",
        `Cannot save settings: ${path.basename(this.#file)} was being changed by hand; try again`,
      );
    effects.enter(settings);
    try {
      if (change.secretsText !== null && change.secretsText !== read.secretsText)
        await writeFileDurably(this.#secretsFile, utf8Bytes(change.secretsText));
      if (change.text !== read.text) await writeFileDurably(this.#file, utf8Bytes(change.text));
    } catch (cause) {
      // What was entered did not come true; what is in force is entered again.
      effects.enter(this.#current);
      const found = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
      throw new HubError(
        "SETTINGS_NOT_WRITTEN",
        `Cannot save settings: ${path.basename(this.#file)} cannot be written (${found})`,
        { cause },
      );
    }
    this.#current = settings;
    effects.apply(settings);
    return this.answer();
  }

  async #texts(): Promise<{ text: string; secretsText: string | null }> {
    const text = await readSettingsText(this.#file);
    if (text === null && this.#options.settingsFile !== null)
      throw new HubError(
        "SETTINGS_UNREADABLE",
        `Cannot change settings: ${path.basename(this.#file)} is gone; put it back first`,
      );
    const secretsText = await readSettingsText(this.#secretsFile);
    return { text: text ?? EXAMPLE_SETTINGS, secretsText };
  }

  async #read(): Promise<Read> {
    const label = path.basename(this.#file);
    const unreadable = (found: string, cause: unknown): HubError =>
      new HubError(
        "SETTINGS_UNREADABLE",
        `Cannot change settings: somebody has changed a file by hand, and it is wrong now: ${found}; put it right first`,
        { cause },
      );
    try {
      const { text, secretsText } = await this.#texts();
      const secrets = readStoredSecrets(secretsText);
      const { environment, facesUnsaid } = this.#options;
      return {
        text,
        secretsText,
        settings: readSettingsFrom({ file: label, text, secrets, environment, facesUnsaid }),
      };
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      throw unreadable(error.message.replace(this.#file, label), error);
    }
  }

  /** Reads what a change would make of the file, by the schema and in the words of the start. */
  #judge(text: string, secrets: CameraSecrets): Settings {
    try {
      const { environment, facesUnsaid } = this.#options;
      if (utf8Bytes(text).length > SETTINGS_MAX_BYTES)
        throw new HubError("TOO_LARGE", "Cannot save settings: the file would be over its limit");
      return readSettingsFrom({ file: SETTINGS_FILE, text, secrets, environment, facesUnsaid });
    } catch (error) {
      if (!(error instanceof SettingsError) || error.wrong === null) throw error;
      const { field, problem } = error.wrong;
      throw new MalformedInput(field, `Cannot save ${field}: ${problem}`, { cause: error });
    }
  }
}
