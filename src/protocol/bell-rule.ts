import type { BellHeard, BellRuleBody, BellStatus } from "./api-bells.ts";
import { MalformedInput } from "./errors.ts";

/** The rule that rings for what was heard. @throws MalformedInput for what the file alone may set. */
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
        ...(item === null || value === null ? {} : { item }),
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

/** Path and query that remove a rule, as it was seen: another one that stands there now stays. */
export function pathToRemove(
  camera: string,
  { rule, ...seen }: Pick<BellStatus, "rule" | "via" | "topic" | "item" | "value" | "code">,
): string {
  const query = new URLSearchParams({ via: seen.via });
  for (const name of ["topic", "item", "value", "code"] as const) {
    const value = seen[name];
    if (value !== null) query.set(name, value);
  }
  return `/api/bells/${camera}/rules/${rule}?${query.toString()}`;
}
