import { HOUSE_WORDS } from "./openapi-words-house.ts";
import { REACH_WORDS } from "./openapi-words-reach.ts";
import { RECORDING_WORDS } from "./openapi-words-recordings.ts";
import { REQUEST_WORDS } from "./openapi-words-requests.ts";

/** What the document says of a route that its schemas do not. */
export interface RouteWords {
  readonly summary: string;
  readonly description?: string;
  /** Codes of its own, besides those that come of what it is (`codesOfTraits`). */
  readonly errors?: readonly string[];
  /** An answer that is not JSON with a schema of the route's own. */
  readonly answer?: OtherAnswer;
  /** Media type of a body that is not JSON. */
  readonly bodyType?: string;
}

/** `nothing` is 204 without a body; a socket answers 101. */
export type OtherAnswer =
  | { readonly kind: "nothing"; readonly words: string }
  | { readonly kind: "socket"; readonly words: string }
  | { readonly kind: "bytes"; readonly type: string; readonly words: string }
  | { readonly kind: "json"; readonly schema: object; readonly words: string };

export interface RouteGroup {
  readonly tag: string;
  readonly description: string;
  /** By method and path as routes are written: `GET /api/clips/:clip`. */
  readonly routes: Readonly<Record<string, RouteWords>>;
}

export const ROUTE_GROUPS: readonly RouteGroup[] = [
  ...HOUSE_WORDS,
  ...REACH_WORDS,
  ...RECORDING_WORDS,
  ...REQUEST_WORDS,
];

/** Words by method and path, with the group's tag. */
export const ROUTE_WORDS: ReadonlyMap<string, RouteWords & { readonly tag: string }> = new Map(
  ROUTE_GROUPS.flatMap(({ tag, routes }) =>
    Object.entries(routes).map(([route, words]) => [route, { ...words, tag }] as const),
  ),
);
