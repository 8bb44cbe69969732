import Type, { type Static, type TSchema } from "typebox";
import { Value } from "typebox/value";
import { isMap, isNode, LineCounter, parseDocument, type Document } from "yaml";
import { readSmallFile, systemErrorCode } from "../base/files.ts";
import { utf8Text } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";

/** YAML against a schema, with the line of whatever is wrong. */

/** Wrong settings: the message names file and line and what was expected there. Exit code 2. */
export class SettingsError extends HubError {
  override readonly name = "SettingsError";
  /** What is wrong where, without the file and its line; null where it is the file as a whole. */
  readonly wrong: { readonly field: string; readonly problem: string } | null;
  constructor(
    message: string,
    options: ErrorOptions & { wrong?: { field: string; problem: string } } = {},
  ) {
    super("WRONG_SETTINGS", message, options);
    this.wrong = options.wrong ?? null;
  }
}

export const SETTINGS_MAX_BYTES = 256 * 1024;

/**
 * Text of a settings file, or null where there is none.
 *
 * @throws SettingsError where it cannot be read, is too large, or is no text.
 */
export async function readSettingsText(file: string): Promise<string | null> {
  try {
    const bytes = await readSmallFile(file, SETTINGS_MAX_BYTES);
    return bytes === null ? null : utf8Text(bytes, file);
  } catch (cause) {
    if (!(cause instanceof HubError) && systemErrorCode(cause) === null) throw cause;
    const found = cause instanceof Error ? cause.message : "it cannot be read";
    throw new SettingsError(`${file}: Cannot read settings: ${found}`, { cause });
  }
}

/** A name: no character in it moves or hides what it is shown beside. */
export const lineOfText = (maxLength: number) =>
  Type.String({
    ...{ pattern: "^[^\\p{C}\\p{Zl}\\p{Zp}]*$", minLength: 1, maxLength },
    description: `1 to ${maxLength} characters on one line`,
  });

export interface CheckedText<Schema extends TSchema> {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly value: Static<Schema>;
}

export function checkText<Schema extends TSchema>(
  file: string,
  text: string,
  schema: Schema,
): CheckedText<Schema> {
  const lines = new LineCounter();
  // Aliases could blow a small file up into a large one.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [syntaxError] = document.errors;
  if (syntaxError)
    throw new SettingsError(
      `${file}:${lines.linePos(syntaxError.pos[0]).line}: Cannot read settings: ${syntaxError.message}`,
    );
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 }) ?? {};
  } catch (cause) {
    throw new SettingsError(`${file}: Cannot read settings: aliases are not allowed`, { cause });
  }
  requireShape({ file, schema, value, checked: { document, lines }, base: [] });
  return { document, lines, value: value as Static<Schema> };
}

export function requireShape(options: {
  readonly file: string;
  readonly schema: TSchema;
  readonly value: unknown;
  readonly checked: { document: Document.Parsed; lines: LineCounter };
  readonly base: readonly (string | number)[];
}): void {
  const { file, schema, value, checked, base } = options;
  if (Value.Check(schema, value)) return;
  const errors = [...Value.Errors(schema, value)];
  const extra = errors.find((error) => "additionalProperties" in error.params);
  const missed = errors.find((error) => "requiredProperties" in error.params);
  const first = extra ?? missed ?? errors[0];
  const inside = (first?.instancePath ?? "").split("/").slice(1);
  const at = [...base, ...inside.map((part) => (/^\d+$/.test(part) ? Number(part) : part))];
  if (first && "additionalProperties" in first.params) {
    const names = Object.keys((schema as { properties?: object }).properties ?? {});
    const unknown = (first.params.additionalProperties as string[])[0] ?? "";
    const known =
      inside.length === 0 && names.length > 0 ? `: expected one of ${names.join(", ")}` : "";
    throw wrongAt(file, checked, [...at, unknown], `there is no setting of this name${known}`);
  }
  if (first && "requiredProperties" in first.params)
    throw wrongAt(
      file,
      checked,
      at,
      `${String((first.params.requiredProperties as string[])[0])} is missing`,
    );
  throw wrongAt(
    file,
    checked,
    at,
    `expected ${expectedAt(schema, inside) ?? first?.message ?? "something else"}`,
  );
}

/** What a schema says in plain words about the member at `inside`. */
function expectedAt(schema: TSchema, inside: readonly string[]): string | null {
  let current: unknown = schema;
  for (const part of inside) {
    if (typeof current !== "object" || current === null) return null;
    const { properties, patternProperties, items } = current as {
      properties?: Record<string, unknown>;
      patternProperties?: Record<string, unknown>;
      items?: unknown;
    };
    // A record has one schema for whatever names its members have.
    current = properties?.[part] ?? Object.values(patternProperties ?? {})[0] ?? items;
  }
  const description = (current as { description?: unknown } | undefined)?.description;
  return typeof description === "string" ? description : null;
}

export function wrongAt(
  file: string,
  checked: { document: Document.Parsed; lines: LineCounter },
  at: readonly (string | number)[],
  message: string,
): SettingsError {
  return new SettingsError(
    `${file}:${lineOf(checked, at)}: ${at.length === 0 ? "settings" : at.join(".")}: ${message}`,
    { wrong: { field: String(at.at(-1) ?? "settings"), problem: message } },
  );
}

/** Line of a member, or of the nearest one above it that is there. */
function lineOf(
  { document, lines }: { document: Document.Parsed; lines: LineCounter },
  at: readonly (string | number)[],
): number {
  for (let depth = at.length; depth > 0; depth -= 1) {
    const parent = document.getIn(at.slice(0, depth - 1), true);
    const last = at[depth - 1];
    const pair = isMap(parent)
      ? parent.items.find((item) => String(item.key) === String(last))
      : undefined;
    const node = pair?.key ?? document.getIn(at.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
