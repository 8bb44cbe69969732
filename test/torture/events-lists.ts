import { filledClip } from "./events-store.ts";

const YEARS = 3;
const DAY_MS = 86_400_000;
/** How far back a filled hub goes. */
export const FILLED_DAYS = YEARS * 365;

/** Places in a filled hub, from the middle of its time: no end is near. */
interface Places {
  readonly clips: number;
  readonly middle: number;
  readonly midMs: number;
  readonly clip: string;
}

/** Queries of one route. */
type Queries = (at: Places) => readonly string[];
const plain: Queries = () => [""];

/** Every route that reads rows which become more with time or with the household, and its filters. */
export const LISTS: Readonly<Record<string, Queries>> = {
  "/api/clips": ({ clips, middle, midMs }) => [
    ...["limit=500", `before=${middle}&limit=500`, `offset=${middle}&limit=500`],
    ...[`fromMs=${midMs}&order=oldest&limit=500`, `toMs=${midMs}&limit=500`],
    ...["kind=bell&limit=500", `kind=bell&toMs=${midMs}`, `camera=garden&toMs=${midMs}&limit=500`],
    ...["camera=garden&kind=bell&order=oldest", `camera=garden&offset=${Math.floor(clips / 8)}`],
  ],
  "/api/timeline": () => ["", "before=480000", "limit=2000"],
  "/api/clips/:clip": plain,
  "/api/clips/:clip/views": plain,
  "/api/clips/:clip/nothing": plain,
  "/api/ledger/entries": ({ middle, clip }) => [
    ...["newest=true&limit=1000", `from=${middle}&limit=1000`, `before=${middle}&limit=1000`],
    ...["kind=view&newest=true", "kind=keyring&from=3", `subject=${clip}`],
  ],
  "/api/ledger/counts": plain,
  "/api/ledger/checkpoint": plain,
  "/api/ledger/consistency": ({ middle, clips }) => [`from=${middle}&to=${clips}`],
  "/api/ledger/inclusion": ({ middle, clips }) => [`index=${middle}&size=${clips}`],
  "/api/requests": ({ clip }) => ["", "limit=500", `before=${clip}`],
  "/api/requests/:id": plain,
  "/api/requests/:id/handling": plain,
  "/api/requests/:id/shares": plain,
  "/api/notices": plain,
  "/api/notices/:id": plain,
  "/api/retention": plain,
  "/api/sealed-before": ({ middle }) => [
    ...["beforeEpoch=0", "beforeEpoch=1", `beforeEpoch=1&before=${middle}&limit=100`],
  ],
  "/api/statements": plain,
  "/api/restorations": plain,
  "/api/sessions": plain,
  "/api/devices": plain,
  "/api/connections": plain,
  "/api/health": plain,
  "/api/health/metrics": plain,
  "/api/copy": plain,
  "/api/mailbox": plain,
  "/api/keyring": plain,
  "/api/keyring/proposals": plain,
  "/api/passed-on": plain,
  "/api/recovery": plain,
  "/api/recoveries": plain,
  "/api/pairings": plain,
  "/api/settings": plain,
  "/api/settings/cameras/:id/areas": plain,
  "/api/settings/cameras/:id/motion": plain,
  "/api/privacy": plain,
  "/api/bells": plain,
  "/api/chime": plain,
  "/api/house": plain,
  "/api/talk": plain,
  "/api/push": plain,
  "/api/notifications": plain,
};

/** Every other route that is read, with why it is no list. */
export const NO_LISTS: Readonly<Record<string, string>> = {
  "/": "a file of the page",
  "/:file": "a file of the page",
  "/assets/:file": "a file of the page",
  "/assets/redact/:file": "a file of the page",
  "/notice": "the notice for the door, as a page",
  "/api/notice": "the notice for the door",
  "/api/viewer": "a program to look at what was handed out",
  "/.well-known/security.txt": "a text of the settings",
  "/api/hub": "who the hub is",
  "/api/openapi.json": "what the hub answers",
  "/api/lan": "where it is on the network",
  "/api/lan/name": "where it is on the network",
  "/api/session": "the session that asks",
  "/api/metrics": "the figures of /api/health, to whoever has the token for them",
  "/api/news": "a socket",
  "/api/live/:camera": "a socket",
  "/api/talk/:camera": "a socket",
  "/api/clips/:clip/files/:name": "one sealed file",
  "/api/replies/:id": "one sealed file",
  "/status/:token": "one bundle",
  "/api/requests/:id/document": "one document",
  "/api/requests/:id/proposal": "one signature that waits for another",
  "/api/pairings/:id": "one device that asks to be let in",
  "/api/notifications/test/:id": "one notification that was tried",
  "/api/bells/:camera/ring/:token": "rings a bell",
  "/api/bells/:camera/teaching": "what a camera says while it is listened to, in memory",
};

/** Addresses of all lists, each with its filters. */
export function listUrls(clips: number, newestAtMs: number): string[] {
  const middle = Math.floor(clips / 2);
  const midMs = newestAtMs - Math.floor((FILLED_DAYS * DAY_MS) / 2);
  const clip = filledClip(middle);
  return Object.entries(LISTS).flatMap(([route, queries]) => {
    const url = route.replace(":clip", clip).replace(":id", idOf(route));
    return queries({ clips, middle, midMs, clip }).map((query) =>
      query ? `${url}?${query}` : url,
    );
  });
}

/** As the filled hub has them. */
function idOf(route: string): string {
  if (route.startsWith("/api/settings/cameras/")) return "front";
  const number = route.startsWith("/api/requests/") ? 4_096 + 50 : 1;
  return number.toString(16).padStart(32, "0");
}
