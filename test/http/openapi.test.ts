import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Value } from "typebox/value";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROUTE_WORDS } from "../../src/http/openapi-words.ts";
import { statusesOf } from "../../src/http/openapi-errors.ts";
import { routesOf, type Route } from "../support/routes.ts";
import { firstClip, startTestHub, type TestHub } from "../support/test-hub.ts";

/** As far as this test looks at it. */
interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly parameters?: readonly {
    name: string;
    in: string;
    required?: boolean;
    schema: object;
    example?: unknown;
  }[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body & { readonly description: string }>>;
}
interface Body {
  readonly content?: Readonly<
    Record<string, { readonly schema?: object; readonly example?: unknown }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly servers: readonly object[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: { readonly Error: object };
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}

let hub: TestHub;
let api: Document;
let routes: Route[];
beforeAll(async () => {
  hub = await startTestHub({ clips: 1 });
  api = (await hub.call("GET", "/api/openapi.json")).json<Document>();
  routes = routesOf(hub.hub.server);
});
afterAll(() => hub[Symbol.asyncDispose]());

const documented = (url: string): string => url.replaceAll(/:([A-Za-z0-9]+)/g, "{$1}");
const nameOf = ({ method, url }: Route): string => `${method} ${url}`;

function operationOf({ method, url }: Route): Operation {
  const found = api.paths[documented(url)]?.[method.toLowerCase()];
  if (!found) throw new Error(`${method} ${url} is not in the document`);
  return found;
}

/** Every media type of the document with a schema, and where it stands. */
function* media(): Generator<{ at: string; type: string; schema: object; example: unknown }> {
  for (const route of routes) {
    const { requestBody, responses } = operationOf(route);
    for (const [part, { content }] of [
      ["body", requestBody ?? {}] as const,
      ...Object.entries(responses),
    ])
      for (const [type, { schema, example }] of Object.entries(content ?? {}))
        if (schema)
          yield { at: `${nameOf(route)} ${part}`, type, schema: resolved(schema), example };
  }
}

/** The document has references to nothing but its one error. */
function resolved(schema: object): object {
  const text = JSON.stringify(schema);
  return JSON.parse(
    text.replaceAll(
      '{"$ref":"#/components/schemas/Error"}',
      JSON.stringify(api.components.schemas.Error),
    ),
  ) as object;
}

describe("the description of the interface", () => {
  test("has every route of the hub, and no other", () => {
    const found = Object.entries(api.paths).flatMap(([url, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${url}`),
    );
    const real = routes.map(({ method, url }) => `${method} ${documented(url)}`);
    expect(found.toSorted()).toEqual([...new Set(real)].toSorted());
  });

  test("has words only for routes that there are", () => {
    const real = new Set(routes.map(nameOf));
    expect([...ROUTE_WORDS.keys()].filter((name) => !real.has(name))).toEqual([]);
  });

  test("says of every route what it does, what it answers, who may, and how it refuses", () => {
    for (const route of routes) {
      const at = nameOf(route);
      const { summary, tags, security, responses, operationId } = operationOf(route);
      expect(summary ?? "", at).toMatch(/^[A-Z][^.\n]{3,79}$/);
      expect(tags, at).toHaveLength(1);
      expect(operationId, at).toMatch(/^[a-z][A-Za-z0-9]+$/);
      expect(Array.isArray(security), at).toBe(true);
      const statuses = Object.keys(responses).map(Number);
      const good = statuses.filter((status) => status < 400);
      expect(good.length, at).toBeGreaterThan(0);
      for (const status of good) {
        const { content, description } = responses[status] ?? { description: "" };
        expect(description, at).not.toMatch(/^$|default/i);
        if (![101, 204, 304].includes(status))
          expect(Object.keys(content ?? {}), at).toHaveLength(1);
        for (const { schema } of Object.values(content ?? {})) expect(schema, at).toBeDefined();
      }
      expect(statuses, at).toEqual(expect.arrayContaining([421, 500]));
      for (const status of statuses.filter((each) => each >= 400))
        for (const code of codesOf(responses[status]))
          expect(statusesOf(code), `${at} ${code}`).toContain(status);
    }
  });

  test("says who may as the routes do", async () => {
    for (const route of routes) {
      const { security, responses } = operationOf(route);
      const url = documented(route.url).replaceAll(/\{[a-z]+\}/g, "x");
      const body = route.method === "POST" || route.method === "PUT" ? { body: {} } : {};
      const { statusCode } = await hub.call(route.method, url, body);
      expect(security.length > 0, nameOf(route)).toBe(statusCode === 401);
      const isRefused = codesOf(responses[401]).includes("NOT_LOGGED_IN");
      expect(isRefused, nameOf(route)).toBe(security.length > 0);
    }
  });

  test("has an example for every body and JSON answer, and each is of its schema", () => {
    let checked = 0;
    for (const { at, type, schema, example } of media()) {
      if (type !== "application/json") continue;
      expect(example, at).toBeDefined();
      expect(
        Value.Errors(schema, example).map(
          ({ instancePath, message }) => `${instancePath} ${message}`,
        ),
        at,
      ).toEqual([]);
      checked += 1;
    }
    for (const route of routes)
      for (const { name, schema, example } of operationOf(route).parameters ?? []) {
        expect(Value.Check(schema, example), `${nameOf(route)} ${name}`).toBe(true);
        checked += 1;
      }
    expect(checked).toBeGreaterThan(500);
  });

  test("is OpenAPI 3.1", () => {
    expect(api.openapi).toMatch(/^3\.1\.\d+$/);
    expect(api.info.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(api.servers.length).toBeGreaterThan(0);
    const tags = new Set(api.tags.map(({ name }) => name));
    const schemes = Object.keys(api.components.securitySchemes);
    const ids = routes.map((route) => operationOf(route).operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const route of routes) {
      const at = nameOf(route);
      const operation = operationOf(route);
      for (const name of Object.keys(operation))
        expect(
          [
            "operationId",
            "summary",
            "description",
            "tags",
            "security",
            "parameters",
            "requestBody",
            "responses",
          ],
          at,
        ).toContain(name);
      for (const tag of operation.tags) expect([...tags], at).toContain(tag);
      for (const scheme of operation.security) expect(schemes).toContain(Object.keys(scheme)[0]);
      const inPath = [...documented(route.url).matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
      const parameters = operation.parameters ?? [];
      expect(
        parameters
          .filter((each) => each.in === "path")
          .map(({ name }) => name)
          .toSorted(),
        at,
      ).toEqual(inPath.toSorted());
      for (const parameter of parameters) {
        expect(["path", "query", "header"], at).toContain(parameter.in);
        if (parameter.in === "path") expect(parameter.required, at).toBe(true);
      }
      for (const status of Object.keys(operation.responses))
        expect(status, at).toMatch(/^[1-5]\d\d$/);
    }
    const references = JSON.stringify(api).matchAll(/"\$ref":"([^"]+)"/g);
    expect(new Set([...references].map(([, to]) => to))).toEqual(
      new Set(["#/components/schemas/Error"]),
    );
  });

  test("names only codes that the hub has", () => {
    const source = sourceText(fileURLToPath(new URL("../../src", import.meta.url)));
    const codes = new Set(
      routes.flatMap((route) => Object.values(operationOf(route).responses).flatMap(codesOf)),
    );
    expect(codes.size).toBeGreaterThan(90);
    for (const code of codes) {
      const [family = "", rest = ""] = code.split(/_(.*)/s);
      const isSaid =
        source.includes(`"${code}"`) ||
        (source.includes(`\`${family}_\${`) && source.includes(rest));
      expect(isSaid, code).toBe(true);
    }
  });

  test("answers 429 wherever there are too many of something", () => {
    const tooMany = routes.flatMap((route) =>
      Object.entries(operationOf(route).responses).flatMap(([status, response]) =>
        codesOf(response).flatMap((code) => (code.startsWith("TOO_MANY_") ? [[status, code]] : [])),
      ),
    );
    expect(tooMany.length).toBeGreaterThan(10);
    expect(tooMany.filter(([status]) => status !== "429")).toEqual([]);
  });

  test("says what the hub really answers", async () => {
    const clip = firstClip(hub);
    const owner = hub.owner;
    const asked: [Route["method"], string, string, unknown?][] = [
      ["GET", "/api/hub", "/api/hub"],
      ["GET", "/api/health", "/api/health"],
      ["GET", "/api/session", "/api/session"],
      ["GET", "/api/sessions", "/api/sessions"],
      ["GET", "/api/keyring", "/api/keyring"],
      ["GET", "/api/devices", "/api/devices"],
      ["GET", "/api/recovery", "/api/recovery"],
      ["GET", "/api/passed-on", "/api/passed-on"],
      ["GET", "/api/clips", "/api/clips?limit=5"],
      ["GET", "/api/clips/:clip", `/api/clips/${clip}`],
      ["GET", "/api/clips/:clip", `/api/clips/${"0".repeat(32)}`],
      ["GET", "/api/clips/:clip", "/api/clips/x"],
      ["GET", "/api/clips/:clip/views", `/api/clips/${clip}/views`],
      ["GET", "/api/timeline", "/api/timeline"],
      ["GET", "/api/retention", "/api/retention"],
      ["GET", "/api/settings", "/api/settings"],
      ["GET", "/api/bells", "/api/bells"],
      ["GET", "/api/chime", "/api/chime"],
      ["GET", "/api/privacy", "/api/privacy"],
      ["GET", "/api/talk", "/api/talk"],
      ["GET", "/api/connections", "/api/connections"],
      ["GET", "/api/ledger/checkpoint", "/api/ledger/checkpoint"],
      ["GET", "/api/ledger/entries", "/api/ledger/entries?from=0"],
      ["GET", "/api/ledger/counts", "/api/ledger/counts"],
      ["GET", "/api/requests", "/api/requests"],
      ["GET", "/api/requests/:id", `/api/requests/${"0".repeat(32)}`],
      ["GET", "/api/statements", "/api/statements"],
      ["GET", "/api/pairings", "/api/pairings"],
      ["GET", "/api/notice", "/api/notice"],
      ["GET", "/api/recoveries", "/api/recoveries"],
      ["GET", "/api/openapi.json", "/api/openapi.json"],
      ["POST", "/api/session", "/api/session", { login: {} }],
      ["POST", "/api/forms", "/api/forms", { tokenSha256: "0".repeat(64), expiresAtMs: 1 }],
      ["POST", "/api/privacy/:camera", "/api/privacy/nowhere", { isOff: true }],
      ["POST", "/api/bells/:camera/test", "/api/bells/nowhere/test"],
      ["DELETE", "/api/clips/:clip", `/api/clips/${"0".repeat(32)}`],
      ["PUT", "/api/settings/name", "/api/settings/name", { name: "x".repeat(5_000) }],
    ];
    for (const [method, url, address, body] of asked) {
      const answer = await hub.call(method, address, {
        as: owner,
        ...(body === undefined ? {} : { body }),
      });
      const at = `${method} ${address} ${answer.statusCode}`;
      const described = operationOf({ method, url }).responses[answer.statusCode];
      expect(described, at).toBeDefined();
      const schema = described?.content?.["application/json"]?.schema;
      expect(schema, at).toBeDefined();
      const errors = Value.Errors(resolved(schema ?? {}), answer.json());
      expect(
        errors.map(({ instancePath, message }) => `${instancePath} ${message}`),
        at,
      ).toEqual([]);
    }
  });
});

function codesOf(response: Body | undefined): readonly string[] {
  const { schema } = response?.content?.["application/json"] ?? {};
  const { allOf } = (schema ?? {}) as {
    allOf?: readonly { properties?: { code?: { enum?: readonly string[] } } }[];
  };
  return allOf?.[1]?.properties?.code?.enum ?? [];
}

function sourceText(directory: string): string {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !path.basename(name).startsWith("openapi"))
    .map((name) => readFileSync(path.join(directory, name), "utf8"))
    .join("\n");
}
