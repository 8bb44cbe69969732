import type { BellHeard, BellRuleBody } from "../../protocol/api-bells.ts";
import { MalformedInput } from "../../protocol/errors.ts";

/** What is known to be a bell. `item` and `value` null: whatever they are. */
export interface KnownBell {
  readonly via: "onvif" | "dahua" | "hikvision";
  /** Topic of ONVIF without prefixes, or code of Dahua. */
  readonly topic: string;
  readonly item: string | null;
  readonly value: string | null;
}

export const KNOWN_BELLS: readonly KnownBell[] = [];

export function isKnownBell(_heard: Pick<BellHeard, "via" | "topic" | "item" | "value">): boolean {
  return KNOWN_BELLS.length > 0;
}

/** The rule that rings for what was heard. @throws MalformedInput for what cannot be one. */
export function ruleOfHeard({
  via,
  topic,
  item,
  value,
}: Pick<BellHeard, "via" | "topic" | "item" | "value">): BellRuleBody {
  switch (via) {
    case "onvif":
      return { via, topic, ...(item === null || value === null ? {} : { item, value }) };
    case "mqtt":
      return {
        ...{ via, topic },
        ...(item === null ? {} : { item }),
        ...(value === null ? {} : { value }),
      };
    case "dahua":
      return { via, code: topic };
    case "hikvision":
    case "webhook":
      return { via };
    case "command":
      throw new MalformedInput(
        "via",
        "Cannot save bell: a program is set in the settings file only",
      );
  }
}
