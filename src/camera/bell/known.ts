import type { BellMessage } from "./message.ts";

/**
 * Doorbells whose message is known, each with where that was reported. `docs/cameras.md` has the same
 * list with the models.
 */
export interface KnownBell {
  readonly via: "onvif" | "dahua" | "hikvision";
  /** Topic of ONVIF without prefixes, or code of Dahua. */
  readonly topic: string;
  /** Null: whatever it carries. */
  readonly item: string | null;
  /** Any of these. */
  readonly values: readonly string[];
  readonly source: string;
}

const TRUE = ["true", "1"] as const;

export const KNOWN_BELLS: readonly KnownBell[] = [
  {
    ...{ via: "onvif", topic: "RuleEngine/MyRuleDetector/Visitor", item: "State", values: TRUE },
    source: "github.com/JimStar/reolink_cctv/issues/49",
  },
  {
    // The input of a button at a door station: ONVIF Core specification, Device IO events.
    ...{ via: "onvif", topic: "Device/Trigger/DigitalInput", item: "LogicalState", values: TRUE },
    source: "ONVIF Device IO Service Specification, section on digital inputs",
  },
  {
    ...{ via: "onvif", topic: "VideoSource/Alarm", item: "Ring", values: TRUE },
    source: "design of this project; nobody has reported it to us yet",
  },
  {
    ...{ via: "onvif", topic: "VideoSource/Alarm", item: "CameraBellButton", values: TRUE },
    source: "design of this project; nobody has reported it to us yet",
  },
  {
    ...{ via: "dahua", topic: "_DoTalkAction_", item: "Action", values: ["Invite"] },
    source: "github.com/tchellomello/python-amcrest/issues/137",
  },
  {
    ...{ via: "dahua", topic: "CallNoAnswered", item: "action", values: ["Start", "Pulse"] },
    source: "github.com/rroller/dahua/issues/52",
  },
  {
    ...{ via: "dahua", topic: "Invite", item: "action", values: ["Start", "Pulse"] },
    source: "github.com/rroller/dahua/issues/556",
  },
  {
    ...{ via: "dahua", topic: "DoorbellPressed", item: "action", values: ["Start", "Pulse"] },
    source: "github.com/rroller/dahua/issues/556",
  },
  {
    ...{ via: "dahua", topic: "BackKeyLight", item: "State", values: ["1", "2"] },
    source: "github.com/myhomeiot/DahuaVTO/issues/14",
  },
  {
    ...{ via: "hikvision", topic: "callStatus", item: "status", values: ["ring"] },
    source: "github.com/Supergiovane/node-red-contrib-hikvision-ultimate/issues/23",
  },
];

/** The entries of the table that a message could be. */
export function knownBellsOf({ via, topic }: Pick<BellMessage, "via" | "topic">): KnownBell[] {
  return KNOWN_BELLS.filter((known) => known.via === via && known.topic === topic);
}

export function isKnownBell(message: BellMessage): boolean {
  return knownBellsOf(message).some((known) => carries(known, message));
}

export function carries({ item, values }: KnownBell, { items }: BellMessage): boolean {
  if (item === null) return true;
  const value = items.get(item);
  return value !== undefined && values.includes(value);
}
