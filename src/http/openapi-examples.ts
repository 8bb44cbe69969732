import { Value } from "typebox/value";

/** As much of JSON Schema as the schemas of this interface use. */
export interface JsonSchema {
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly minItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
}

/** Below this, only what has to be there: an example is to be read. */
const DEPTH_OF_OPTIONAL = 3;
const HEX = "3f9c27a1d4b8605e";
const AT_MS = Date.UTC(2026, 10, 22, 8, 15, 0);

/** What a member of this name usually holds; taken where its schema allows it. */
const NAMED: Readonly<Record<string, readonly unknown[]>> = {
  camera: ["front-door"],
  cameras: [["front-door"]],
  kind: ["bell"],
  label: ["Kitchen phone"],
  person: ["Anna"],
  name: ["Front door", "000.video.original.age", "Home"],
  file: ["index.html"],
  version: ["0.1.0"],
  origin: ["doorward.example/3f9c27a1"],
  segment: ["0"],
  rendition: ["original"],
  code: ["UNREACHABLE", "4711-0815"],
  message: ["the camera does not answer"],
  address: ["192.0.2.20:554"],
  url: ["rtsp://192.0.2.20/stream1"],
  main: ["rtsp://192.0.2.20/stream1"],
  sub: ["rtsp://192.0.2.20/stream2"],
  host: ["192.0.2.20"],
  username: ["viewer"],
  statusUrl: ["https://door.example.org/status/3f9c27a1"],
  intakeUrl: ["https://door.example.org/intake"],
  what: ["camera"],
  month: ["2026-11"],
  days: [14],
  limit: [100, 2_000],
  durationMs: [12_000],
  before: [1_000],
};
const TEXTS = [
  HEX.repeat(2),
  HEX.repeat(4),
  "front-door",
  "2026-11",
  "2026-11-22",
  "08:15",
  "0",
  "000.video.original.age",
  `${HEX}A=`,
  "A".repeat(43) + "=",
  "https://push.example.org/v2/3f9c27a1d4b8605e",
  "Example",
  "",
];
const NUMBERS = [1, 0, 0.5];

/** A value of a schema, made from the names of its members: it cannot lag behind the schema. */
export function exampleOf(schema: JsonSchema, name = "", depth = 0): unknown {
  if (schema.examples && schema.examples.length > 0) return schema.examples[0];
  if ("const" in schema) return schema.const;
  if (schema.enum) return schema.enum[0];
  const named = candidatesFor(name).find((value) => Value.Check(schema, value));
  if (named !== undefined) return named;
  if (schema.anyOf) return exampleOf(bestOf(schema.anyOf), name, depth);
  if (schema.allOf)
    return Object.assign({}, ...schema.allOf.map((each) => exampleOf(each, name, depth)));
  switch (schema.type) {
    case "object":
      return objectOf(schema, depth);
    case "array":
      return arrayOf(schema, name, depth);
    case "string":
      return textOf(schema);
    case "integer":
    case "number":
      return numberOf(schema);
    case "boolean":
      return true;
    case "null":
      return null;
    case undefined:
    default:
      return {};
  }
}

function candidatesFor(name: string): readonly unknown[] {
  const named = NAMED[name] ?? [];
  return /(?:At|from|to|until|before)Ms$/i.test(name) ? [...named, AT_MS] : named;
}

/** Null says least of what may stand there. */
function bestOf(choices: readonly JsonSchema[]): JsonSchema {
  return choices.find(({ type }) => type !== "null") ?? choices[0] ?? {};
}

function objectOf(schema: JsonSchema, depth: number): unknown {
  const members: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(schema.properties ?? {}))
    if (schema.required?.includes(name) === true || depth < DEPTH_OF_OPTIONAL)
      members[name] = exampleOf(member, name, depth + 1);
  for (const [pattern, member] of Object.entries(schema.patternProperties ?? {})) {
    const key = TEXTS.toReversed().find(
      (text) => text !== "" && new RegExp(pattern, "u").test(text),
    );
    if (key !== undefined) members[key] = exampleOf(member, "", depth + 1);
  }
  return members;
}

function arrayOf(schema: JsonSchema, name: string, depth: number): unknown {
  const { items, minItems = 0 } = schema;
  if (items === undefined) return [];
  const singular = name.replace(/s$/, "");
  if (isTuple(items)) return items.map((item) => exampleOf(item, singular, depth + 1));
  const wanted = Array.from({ length: Math.max(1, minItems) }, () =>
    exampleOf(items, singular, depth + 1),
  );
  return Value.Check(schema, wanted) ? wanted : [];
}

function isTuple(items: JsonSchema | readonly JsonSchema[]): items is readonly JsonSchema[] {
  return Array.isArray(items);
}

function textOf(schema: JsonSchema): string {
  const { minLength = 0, pattern = "" } = schema;
  const length = /\{(\d{1,3})\}\$$/.exec(pattern)?.[1] ?? minLength;
  const fitting = [...TEXTS, "A".repeat(Number(length))].find((text) => Value.Check(schema, text));
  return fitting ?? "Example";
}

function numberOf(schema: JsonSchema): number {
  const { minimum = 0, maximum = minimum } = schema;
  const fitting = [...NUMBERS, minimum, maximum].find((value) => Value.Check(schema, value));
  return fitting ?? minimum;
}
