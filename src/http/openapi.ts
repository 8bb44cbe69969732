import swagger from "@fastify/swagger";
import type { RouteOptions } from "fastify";
import { roleHasRight, type Role } from "../protocol/keyring.ts";
import { codesOfTraits, ERROR_SCHEMA, errorResponses } from "./openapi-errors.ts";
import { exampleOf, type JsonSchema } from "./openapi-examples.ts";
import { ROUTE_GROUPS, ROUTE_WORDS, type OtherAnswer } from "./openapi-words.ts";
import type { HubServer } from "./server.ts";

/** As `session-cookie.ts` names them. */
const SESSION_COOKIES = { plain: "doorward-session", secure: "__Host-doorward-session" };
const ROLES: readonly Role[] = ["owner", "adult", "viewer", "guest"];

/** A route as it was added: what the document is made from. */
interface AddedRoute {
  readonly method: string;
  readonly url: string;
  readonly schema: RouteSchema;
  readonly access: string | undefined;
  readonly isAnyOrigin: boolean;
  readonly isBeforeClaim: boolean;
  readonly isLimited: boolean;
  readonly isSocket: boolean;
}

interface RouteSchema {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly body?: unknown;
  readonly params?: unknown;
  readonly querystring?: unknown;
  readonly headers?: unknown;
  readonly response?: unknown;
}

/** As far as this file fills it. */
interface Operation {
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: Record<string, Media> };
  responses?: object;
}

interface Parameter {
  readonly name: string;
  readonly schema: JsonSchema;
  example?: unknown;
}

interface Media {
  readonly schema?: JsonSchema;
  readonly example?: unknown;
}

/**
 * Has the server describe itself at `/api/openapi.json`. What the document adds (words, errors,
 * examples) is in no route's own `schema`, by which answers are written: it can drop no member.
 */
export async function describeRoutes(server: HubServer, version: string): Promise<void> {
  const added = new Map<string, AddedRoute>();
  await server.register(swagger, {
    openapi: { openapi: "3.1.0", ...headOf(version) },
    convertConstToEnum: false,
    stripBasePath: false,
    transform: ({ schema, url, route }) => {
      const found = addedRoute(route, url);
      added.set(nameOf(found), found);
      // Sockets are hidden by what makes them.
      return { schema: { ...withoutResponse(schema), ...wordsOf(found), hide: false }, url };
    },
    transformObject: (document) => {
      if (!("openapiObject" in document)) throw new Error("a document of another format");
      const made = structuredClone(document.openapiObject) as {
        components?: { schemas?: Record<string, object> };
        paths?: Record<string, Record<string, Operation>>;
      };
      made.components = { ...made.components, schemas: { Error: ERROR_SCHEMA } };
      for (const route of added.values()) {
        const operation = made.paths?.[pathOf(route.url)]?.[route.method.toLowerCase()];
        if (operation) fillOperation(operation, route);
      }
      return made as typeof document.openapiObject;
    },
  });
}

function headOf(version: string) {
  return {
    info: {
      title: "Doorward",
      version,
      description:
        "What the page and the command line ask of the hub. Recordings are handed out sealed; only devices of the household open them. Times are milliseconds since 1970 in UTC, names ending in Ms say so.",
      license: { name: "AGPL-3.0-or-later", identifier: "AGPL-3.0-or-later" },
    },
    servers: [
      {
        url: "http://localhost:{port}",
        description: "On the machine itself",
        variables: { port: { default: "8080" } },
      },
      {
        url: "https://{name}:{port}",
        description: "In the house, where the owner has opened it",
        variables: { name: { default: "doorward.local" }, port: { default: "8443" } },
      },
    ],
    tags: ROUTE_GROUPS.map(({ tag, description }) => ({ name: tag, description })),
    components: {
      securitySchemes: {
        session: {
          type: "apiKey",
          in: "cookie",
          name: SESSION_COOKIES.plain,
          description: `The page's session. Over HTTPS the cookie is named ${SESSION_COOKIES.secure}. Counts only where this hub's own page asked.`,
        },
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "From `POST /api/session`: 64 hexadecimal digits, twelve hours.",
        },
        noticeSecret: {
          type: "apiKey",
          in: "header",
          name: "Authorization",
          description:
            "`Notice SECRET`, from `PUT /api/push`: for looking up notices and for nothing else, for as long as the subscription and its device are there.",
        },
      } as const,
    },
  };
}

function addedRoute(route: RouteOptions, url: string): AddedRoute {
  const { config, schema, method } = route;
  return {
    method: String(method),
    url,
    schema: (schema ?? {}) as RouteSchema,
    access: config?.access,
    isAnyOrigin: config?.anyOrigin === true,
    isBeforeClaim: config?.beforeClaim === true,
    isLimited: config !== undefined && "rateLimit" in config,
    isSocket: "websocket" in route && route.websocket === true,
  };
}

function nameOf({ method, url }: Pick<AddedRoute, "method" | "url">): string {
  return `${method} ${url}`;
}

function pathOf(url: string): string {
  return url.replaceAll(/:([A-Za-z0-9]+)/g, "{$1}");
}

function withoutResponse(schema: unknown): object {
  const { response: _, ...rest } = (schema ?? {}) as RouteSchema;
  return rest;
}

function wordsOf(route: AddedRoute): object {
  const words = ROUTE_WORDS.get(nameOf(route));
  const { access, schema, method, url } = route;
  const description = [words?.description ?? schema.description ?? "", accessWords(access)];
  const parts = url.split("/").filter((part) => part !== "");
  return {
    ...(words ? { summary: words.summary } : {}),
    description: description.filter((line) => line !== "").join(" "),
    tags: [words?.tag ?? schema.tags?.[0] ?? parts[1] ?? "page"],
    operationId: [method.toLowerCase(), ...parts.map((part) => part.replace(/^:/, "by-"))]
      .join("-")
      .replaceAll(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) =>
        (next ?? "").toUpperCase(),
      ),
    security: securityOf(access),
  };
}

function securityOf(access: string | undefined): readonly object[] {
  if (access === "public") return [];
  const session = [{ session: [] }, { bearer: [] }];
  return access === "notice" ? [...session, { noticeSecret: [] }] : session;
}

function accessWords(access: string | undefined): string {
  if (access === undefined || access === "public") return "";
  if (access === "session" || access === "notice") return "Any device of the household may.";
  const roles = ROLES.filter((role) =>
    roleHasRight(role, access as Parameters<typeof roleHasRight>[1]),
  );
  return `Needs the right \`${access}\` (role ${roles.join(", ")}).`;
}

function fillOperation(operation: Operation, route: AddedRoute): void {
  const words = ROUTE_WORDS.get(nameOf(route));
  const { schema } = route;
  for (const parameter of operation.parameters ?? [])
    parameter.example = exampleOf(parameter.schema, parameter.name);
  if (words?.bodyType !== undefined)
    operation.requestBody = {
      required: true,
      content: { [words.bodyType]: sealedBytes(words.bodyType) },
    };
  else if (schema.body !== undefined)
    operation.requestBody = {
      required: true,
      content: { "application/json": jsonOf(schema.body) },
    };
  const codes = codesOfTraits({
    ...route,
    hasInput: Boolean(schema.params ?? schema.querystring ?? schema.headers),
    hasBody: operation.requestBody !== undefined,
  });
  operation.responses = {
    ...answersOf(route, words?.answer),
    ...errorResponses([...codes, ...(words?.errors ?? [])]),
  };
}

function answersOf({ schema, isSocket }: AddedRoute, other: OtherAnswer | undefined): object {
  if (other) return otherAnswer(other);
  const answers: Record<string, object> = {};
  for (const [status, answer] of Object.entries((schema.response ?? {}) as object))
    answers[status] = isNull(answer)
      ? { description: status === "304" ? "It has not changed." : "Done; there is no body." }
      : { description: "Done.", content: { "application/json": jsonOf(answer) } };
  if (Object.keys(answers).length > 0) return answers;
  if (isSocket) return { 101: { description: "The socket is open." } };
  return {};
}

function otherAnswer(other: OtherAnswer): object {
  const description = other.words;
  switch (other.kind) {
    case "nothing":
      return { 204: { description } };
    case "socket":
      return { 101: { description } };
    case "bytes":
      return { 200: { description, content: { [other.type]: sealedBytes(other.type) } } };
    case "json":
      return { 200: { description, content: { "application/json": jsonOf(other.schema) } } };
  }
}

function sealedBytes(contentMediaType: string): { schema: object } {
  return { schema: { contentMediaType } };
}

/** As it is sent: schemas hold members that are for the program only. */
function jsonOf(schema: unknown): Media {
  const plain = JSON.parse(JSON.stringify(schema)) as JsonSchema;
  return { schema: plain, example: exampleOf(plain) };
}

function isNull(schema: unknown): boolean {
  return (schema as JsonSchema | undefined)?.type === "null";
}
