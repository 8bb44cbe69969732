import path from "node:path";
import Type from "typebox";
import { writeFileDurably } from "../base/files.ts";
import { RETENTION_DEFAULT, type RetentionRules } from "../clips/retention-plan.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import {
  cameraSecretsFile,
  readCamera,
  readSecrets,
  requireDistinct,
  type CameraSecrets,
  type CameraSettings,
} from "./cameras.ts";
import { FacesSchema, type Faces } from "./blur.ts";
import { HealthSchema, readHealth, type HealthSettings } from "./health.ts";
import {
  HomeAssistantSchema,
  readHomeAssistant,
  readWebhooks,
  requireOwnTopics,
  WebhooksSchema,
  type HomeAssistantSettings,
  type WebhookSettings,
} from "./home-assistant.ts";
import { ListenSchema, readListen, type LanSettings } from "./listen.ts";
import { CopySchema, readCopy, type CopySettings } from "./copy.ts";
import { MailboxSchema, readMailbox, type MailboxSettings } from "./mailbox.ts";
import { MotionSchema } from "./motion.ts";
import { readSecurity, SecuritySchema } from "./security.ts";
import { NotifySchema, readNotify, type NotifySettings } from "./notify.ts";
import { MqttSchema, readBrokerUrl, requireNoOwnBell } from "./bells.ts";
import { ChimeSchema, readChime, type ChimeSettings } from "./chime.ts";
import { EXAMPLE_SETTINGS } from "./example.ts";
import { checkText, lineOfText, readSettingsText, SettingsError, wrongAt } from "./file.ts";

export const SETTINGS_FILE = "doorward.yaml";

const closed = { additionalProperties: false } as const;
const port = Type.Integer({ minimum: 0, maximum: 65_535, description: "a port from 0 to 65535" });
const duration = Type.String({
  pattern: "^[1-9][0-9]{0,3}[hd]$",
  description: "a time as 12h or 30d",
});
/** Settings as they stand in the file. */
const SettingsSchema = Type.Object(
  {
    name: Type.Optional(lineOfText(80)),
    listen: Type.Optional(ListenSchema),
    outside: Type.Optional(
      Type.Object(
        {
          port,
          /** The address under which a reverse proxy publishes it. */
          url: Type.Optional(
            Type.String({
              pattern: "^https?://",
              maxLength: 300,
              description: "an address as https://door.example.org",
            }),
          ),
        },
        closed,
      ),
    ),
    /** Of all cameras of which nothing else is said, the demo among them. */
    faces: Type.Optional(FacesSchema),
    /** The same for motion: what a camera says itself comes before it. */
    motion: Type.Optional(MotionSchema),
    cameras: Type.Optional(
      Type.Array(Type.Unknown(), { maxItems: 16, description: "a list of at most 16 cameras" }),
    ),
    /** How much footage of all cameras may wait in memory to be blurred. */
    blur: Type.Optional(
      Type.Object(
        {
          memory: Type.Optional(
            Type.String({
              pattern: "^(1[6-9]|[2-9][0-9]|[1-9][0-9]{2,3})MB$",
              description: "a size from 16MB to 9999MB",
            }),
          ),
        },
        closed,
      ),
    ),
    mqtt: Type.Optional(MqttSchema),
    notify: Type.Optional(NotifySchema),
    chime: Type.Optional(ChimeSchema),
    homeAssistant: Type.Optional(HomeAssistantSchema),
    webhooks: Type.Optional(WebhooksSchema),
    mailbox: Type.Optional(MailboxSchema),
    copy: Type.Optional(CopySchema),
    health: Type.Optional(HealthSchema),
    notice: Type.Optional(Type.Object({ contact: Type.Optional(lineOfText(200)) }, closed)),
    security: Type.Optional(SecuritySchema),
    retention: Type.Optional(
      Type.Object(
        {
          motion: Type.Optional(duration),
          bell: Type.Optional(duration),
          space: Type.Optional(
            Type.String({ pattern: "^[1-9][0-9]{0,5}(MB|GB|TB)$", description: "a size as 20GB" }),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);

/** Times as `30d` or `12h`, a size as `20GB`; left out where the default holds. */
export interface RetentionWritten {
  readonly motion?: string;
  readonly bell?: string;
  readonly space?: string;
}

export interface Settings {
  readonly name: string;
  readonly port: number;
  /** Left out: as where the file says nothing. */
  readonly lan?: LanSettings;
  readonly outside: { readonly port: number; readonly url: string | null } | null;
  readonly cameras: readonly CameraSettings[];
  /** Of footage that may wait in memory to be blurred; left out: `BLUR_QUEUE_BYTES_MAX`. */
  readonly blurBytesMax?: number;
  /** Broker for bells and chimes; its user and password are in `secrets/mqtt.yaml`. */
  readonly mqtt?: { readonly url: string };
  /** Through whom people of the house are told; left out: only browsers' own push services. */
  readonly notify?: NotifySettings;
  /** What is heard in the house at a ring; left out: nothing. */
  readonly chime?: ChimeSettings;
  /** Announced over the broker; null or left out: nothing is. */
  readonly homeAssistant?: HomeAssistantSettings | null;
  /** Programs that are called when something happens; left out: none. */
  readonly webhooks?: readonly WebhookSettings[];
  /** Where owners find what waits when they are away; left out: nowhere. */
  readonly mailbox?: MailboxSettings;
  /** Where sealed recordings, ledger and state are copied to; left out: nowhere. */
  readonly copy?: CopySettings;
  /** From when on owners are told of what is wrong; left out: `HEALTH_DEFAULT`. */
  readonly health?: HealthSettings;
  /** Whom the notice at the door says to ask; left out: nobody by name. */
  readonly noticeContact?: string;
  /** Address for whoever finds a hole in this hub; left out: none is named. */
  readonly securityContact?: string;
  /** Without it, the defaults of `RETENTION_DEFAULT`. */
  readonly retention?: RetentionRules;
  /** The same, as the file says it. */
  readonly retentionWritten?: RetentionWritten;
  /** SHA-256 input for the ledger: the file as it was read, without the secrets. */
  readonly text: string;
}

/**
 * Reads the settings file, or writes the commented example where there is none.
 *
 * @param facesUnsaid - Of cameras where the file says nothing of faces (`facesWhereUnsaid`).
 * @throws SettingsError for everything that is wrong in it, before anything has been started.
 */
export async function readSettings(
  dataDirectory: string,
  settingsFile: string | null,
  environment: NodeJS.ProcessEnv,
  facesUnsaid: Faces = "keep",
): Promise<Settings> {
  const file = settingsFile ?? path.join(dataDirectory, SETTINGS_FILE);
  let text = await readSettingsText(file);
  if (text === null) {
    if (settingsFile !== null)
      throw new SettingsError(`Cannot read settings: there is no file ${file}`);
    text = EXAMPLE_SETTINGS;
    await writeFileDurably(file, utf8Bytes(text));
  }
  const secretsFile = cameraSecretsFile(dataDirectory);
  const secrets = readSecrets(secretsFile, await readSettingsText(secretsFile));
  return readSettingsFrom({ file, text, secrets, environment, facesUnsaid });
}

/**
 * Reads the text of a settings file.
 *
 * @param file - Its name in messages.
 * @throws SettingsError for everything that is wrong in it.
 */
export function readSettingsFrom(options: {
  readonly file: string;
  readonly text: string;
  readonly secrets: CameraSecrets;
  readonly environment: NodeJS.ProcessEnv;
  readonly facesUnsaid: Faces;
}): Settings {
  const { file, text, secrets, environment } = options;
  const checked = checkText(file, text, SettingsSchema);
  const { value } = checked;
  const { port: mainPort, lan } = readListen(file, checked, value.listen, environment);
  if (value.outside?.url !== undefined && !URL.canParse(value.outside.url))
    throw wrongAt(
      file,
      checked,
      ["outside", "url"],
      "expected an address as https://door.example.org",
    );
  const faces = value.faces ?? options.facesUnsaid;
  const motion = value.motion === undefined ? {} : { motion: value.motion };
  const unsaid = { faces, ...motion };
  const cameras = (value.cameras ?? []).map((_, index) =>
    readCamera({ file, checked, index, secrets, environment, unsaid }),
  );
  requireDistinct(file, checked, cameras);
  requireNoOwnBell(file, checked, cameras, value.chime?.mqtt?.topic);
  const hasBroker = value.mqtt !== undefined;
  const homeAssistant = readHomeAssistant(file, checked, value.homeAssistant, hasBroker);
  requireOwnTopics(file, checked, homeAssistant, cameras);
  return {
    name: value.name ?? "Home",
    port: mainPort,
    lan,
    outside: value.outside ? { port: value.outside.port, url: value.outside.url ?? null } : null,
    cameras:
      cameras.length > 0
        ? cameras
        : [{ id: "demo", name: "Demo door", audio: false, ...unsaid, source: "demo" }],
    ...(value.blur?.memory === undefined
      ? {}
      : { blurBytesMax: Number(value.blur.memory.slice(0, -2)) * 1_000_000 }),
    ...(value.mqtt ? { mqtt: { url: readBrokerUrl(file, checked, value.mqtt.url) } } : {}),
    ...(value.notify ? { notify: readNotify(file, checked, value.notify) } : {}),
    ...(value.chime ? { chime: readChime(file, checked, value.chime) } : {}),
    ...(homeAssistant ? { homeAssistant } : {}),
    ...(value.webhooks ? { webhooks: readWebhooks(file, checked, value.webhooks) } : {}),
    ...(value.copy ? { copy: readCopy(file, checked, value.copy) } : {}),
    ...(value.mailbox ? { mailbox: readMailbox(file, checked, value.mailbox) } : {}),
    ...(value.health ? { health: readHealth(value.health) } : {}),
    ...(value.notice?.contact === undefined ? {} : { noticeContact: value.notice.contact }),
    ...(value.security ? { securityContact: readSecurity(file, checked, value.security) } : {}),
    retention: retentionOf(value.retention ?? {}),
    retentionWritten: value.retention ?? {},
    text,
  };
}

const HOUR_MS = 3_600_000;
const UNIT_BYTES: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9, TB: 1e12 };

/** Times and sizes in the form that the schema demands. */
function retentionOf(written: RetentionWritten): RetentionRules {
  const durationMs = (text: string): number =>
    Number(text.slice(0, -1)) * (text.endsWith("d") ? 24 * HOUR_MS : HOUR_MS);
  const { motion, bell, space } = written;
  return {
    motionMs: motion === undefined ? RETENTION_DEFAULT.motionMs : durationMs(motion),
    bellMs: bell === undefined ? RETENTION_DEFAULT.bellMs : durationMs(bell),
    spaceBytes:
      space === undefined
        ? RETENTION_DEFAULT.spaceBytes
        : Number(space.slice(0, -2)) * (UNIT_BYTES[space.slice(-2)] ?? 0),
  };
}
