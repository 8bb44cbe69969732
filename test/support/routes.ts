import type { HubServer } from "../../src/http/server.ts";
import type { Method } from "./test-hub.ts";

export interface Route {
  readonly method: Method;
  /** With parameters as `:name`. */
  readonly url: string;
}

const LINE = /^([ │├└─]*)(\S+)(?: \(([A-Z, ]+)\))?$/;

/** Every route that the server answers, as its own router lists them: none can be forgotten. */
export function routesOf(server: HubServer): Route[] {
  const routes: Route[] = [];
  const prefixes: string[] = [];
  for (const line of server.printRoutes({ commonPrefix: true }).trimEnd().split("\n")) {
    const [, indent = "", part = "", methods = ""] = LINE.exec(line) ?? [];
    if (part === "") throw new Error(`Cannot read the router's list: ${line}`);
    const depth = indent.length / 4;
    prefixes[depth] = (prefixes[depth - 1] ?? "") + part;
    for (const method of methods.split(", ").filter((each) => each !== ""))
      routes.push({ method: method as Method, url: prefixes[depth] ?? "" });
  }
  return routes;
}

/** The route's address with something plausible for each parameter. */
export function exampleUrl(url: string, values: Readonly<Record<string, string>> = {}): string {
  return url.replaceAll(/:([a-z]+)/g, (_, name: string) => values[name] ?? EXAMPLES[name] ?? "x");
}

const EXAMPLES: Readonly<Record<string, string>> = {
  id: "0".repeat(32),
  clip: "0".repeat(32),
  name: "000.video.original.age",
  token: "0".repeat(64),
};
