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
  const [first] = Value.Errors(schema, value);
  const field = first ? fieldName(first) : what;
  throw new MalformedInput(
    field,
    `Cannot read ${what}: ${field} ${first?.message ?? "has the wrong shape"}`,
  );
}

function fieldName(error: { instancePath: string; keyword: string; params: object }): string {
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
