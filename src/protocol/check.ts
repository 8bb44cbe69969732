import type { Static, TSchema } from "typebox";
import { Value } from "typebox/value";
import { MalformedInput } from "./errors.ts";

/**
 * Reads `value` as `schema`, once, at the edge.
 *
 * @throws MalformedInput whose `field` names the first member that is wrong, as `sought.from`.
 */
export function checkShape<Schema extends TSchema>(
  schema: Schema,
  value: unknown,
  what: string,
): Static<Schema> {
  if (Value.Check(schema, value)) return value;
  const errors = Value.Errors(schema, value);
  // An unknown member is reported twice, and its own report says less.
  const first = errors.find((error) => error.keyword === "additionalProperties") ?? errors[0];
  const field = first ? fieldName(first) : what;
  const found = first ? problemOf(schema, first) : "has the wrong shape";
  throw new MalformedInput(field, `Cannot read ${what}: ${field} ${found}`);
}

function problemOf(
  schema: TSchema,
  error: { instancePath: string; keyword: string; message: string },
): string {
  if (error.keyword === "additionalProperties") return "is not a member that belongs there";
  const words = literalsAt(schema, error.instancePath.split("/").slice(1));
  return words.length > 0 ? `must be one of ${words.join(", ")}` : error.message;
}

/** The words that a schema allows at a member, where it allows nothing but words. */
function literalsAt(schema: unknown, names: readonly string[]): string[] {
  let at: unknown = schema;
  for (const name of names) {
    const { properties, items } = (at ?? {}) as {
      properties?: Record<string, unknown>;
      items?: unknown;
    };
    at = properties?.[name] ?? items;
  }
  const choices = (at as { anyOf?: readonly { const?: unknown }[] } | undefined)?.anyOf ?? [];
  const words = choices.map((choice) => choice.const);
  return words.every((word) => typeof word === "string") ? words : [];
}

function fieldName(error: { instancePath: string; params: object }): string {
  const names = error.instancePath.split("/").slice(1);
  const extra =
    "requiredProperties" in error.params
      ? error.params.requiredProperties
      : "additionalProperties" in error.params
        ? error.params.additionalProperties
        : undefined;
  if (Array.isArray(extra) && typeof extra[0] === "string") names.push(extra[0]);
  return names.length === 0 ? "(whole)" : names.join(".");
}
