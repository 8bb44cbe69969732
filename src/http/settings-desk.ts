import type { BellRuleBody, BellRuleRemoval } from "../protocol/api-bells.ts";
import type {
  CameraTestAnswer,
  CameraTestBody,
  SettingsAnswer,
  SettingsCameraBody,
  SettingsRetentionBody,
} from "../protocol/api-settings.ts";
import type { ChimeBody } from "../protocol/api-chime.ts";
import type {
  CameraProbeAnswer,
  CameraProbeBody,
  FindCamerasAnswer,
} from "../protocol/api-cameras.ts";
import type { MotionAnswer, MotionBody } from "../protocol/api-nothing.ts";
import type { AreasAnswer, AreasBody } from "../protocol/api-areas.ts";
import type { PrivacyHours } from "../protocol/api-privacy.ts";

/** What an owner may change of a running hub's settings. Every call answers what is then in force. */
export interface SettingsDesk {
  answer(): SettingsAnswer;
  /** @throws HubError as all changes do: what is wrong, or why the file cannot be changed now. */
  setName(name: string): Promise<SettingsAnswer>;
  setRetention(body: SettingsRetentionBody): Promise<SettingsAnswer>;
  setCamera(id: string, body: SettingsCameraBody): Promise<SettingsAnswer>;
  removeCamera(id: string): Promise<SettingsAnswer>;
  /** Hours in which a camera is off; an empty list removes them. */
  setPrivacyHours(id: string, hours: PrivacyHours): Promise<SettingsAnswer>;
  /** @throws HubError NOT_FOUND */
  areas(id: string): AreasAnswer;
  /** @throws HubError `NOT_FOUND`. */
  motion(id: string): MotionAnswer;
  /** In force with the next picture. @throws HubError `NOT_FOUND`, or as every change of settings. */
  setMotion(id: string, body: MotionBody): Promise<MotionAnswer>;
  /** Zones, masks and public space of a camera; refused where they changed since they were read. */
  setAreas(id: string, body: AreasBody): Promise<AreasAnswer>;
  setChime(chime: ChimeBody): Promise<SettingsAnswer>;
  /** Adds a way in which a camera's bell is heard. */
  addBell(camera: string, rule: BellRuleBody): Promise<SettingsAnswer>;
  removeBell(camera: string, rule: BellRuleRemoval): Promise<SettingsAnswer>;
  /** Tries an address for up to ten seconds, in a process of its own; one at a time. */
  testCamera(body: CameraTestBody): Promise<CameraTestAnswer>;
  /** Searches this machine's networks, in a process of its own; one trial of any kind at a time. */
  findCameras(watched: CameraWatch): Promise<FindCamerasAnswer>;
  /** Asks a camera what it is and sends. */
  probeCamera(body: CameraProbeBody, watched: CameraWatch): Promise<CameraProbeAnswer>;
}

export interface CameraWatch {
  /** Called before each connection to a new place. */
  readonly onConnect: (place: { readonly host: string; readonly port: number }) => void;
  readonly signal: AbortSignal;
}
