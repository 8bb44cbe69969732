import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { FastifyReply } from "fastify";
import Type, { type Static } from "typebox";
import type { StoredClip } from "../clips/store.ts";
import { WINDOW_CLIPS_MAX, type WindowQuery } from "../clips/timeline.ts";
import * as Api from "../protocol/api.ts";
import { sealedFileName } from "../protocol/clip.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import {
  EVENT_KINDS,
  parseCameraId,
  parseClipId,
  type ClipId,
  type EventKind,
} from "../protocol/ids.ts";
import type { Right } from "../protocol/keyring.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";
import type { SessionDevice } from "./sessions.ts";

/** Remembered so that one look at a clip is one entry, not one for each of its files. */
const VIEWS_REMEMBERED_MAX = 10_000;

/** Recordings as they lie on the disk: ciphertext, for devices whose role may see the rendition. */
export function addClipRoutes(server: HubServer, services: HubServices): void {
  const { clips } = services;
  const views = new Set<string>();
  server.get(
    "/api/clips",
    {
      config: { access: "view_blurred" },
      schema: {
        querystring: clipsQuery,
        response: { 200: Api.ClipList },
      },
    },
    async ({ query }) => {
      if (isWindow(query)) {
        const window = services.timeline.window(windowOf(query));
        return { clips: window.map((clip) => summaryOf(clip, services)), next: null };
      }
      const page = clips.list({
        limit: query.limit ?? 100,
        ...(query.before === undefined ? {} : { before: query.before }),
      });
      return { clips: page.clips.map((clip) => summaryOf(clip, services)), next: page.next };
    },
  );
  server.get(
    "/api/clips/:clip",
    {
      config: { access: "view_blurred" },
      schema: { params: clipParameter, response: { 200: Api.ClipDetail } },
    },
    async ({ params }) => detailOf(requireClip(services, params.clip), services),
  );
  server.get(
    "/api/clips/:clip/files/:name",
    {
      config: { access: "view_blurred" },
      schema: { params: fileParameter, querystring: fileQuery },
    },
    async (request, reply) => {
      const device = deviceOf(request);
      const clip = requireClip(services, request.params.clip);
      const found = findFile(services, clip.id, request.params.name);
      requireRight(device, found.right);
      if (found.isLook) recordView(services, views, device, clip.id);
      await sendFile(found.path, request.query.first, reply);
    },
  );
}

const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** `before` goes through all of them as they came; the others look at a window of time. */
const clipsQuery = Type.Object({
  before: Type.Optional(Type.Integer({ minimum: 0 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: WINDOW_CLIPS_MAX })),
  fromMs: Type.Optional(timeMs),
  toMs: Type.Optional(timeMs),
  camera: Type.Optional(Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 })),
  kind: Type.Optional(
    Type.Union(EVENT_KINDS.map((kind) => Type.Literal(kind))) as unknown as Type.TUnsafe<EventKind>,
  ),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000_000 })),
  order: Type.Optional(Type.Union([Type.Literal("newest"), Type.Literal("oldest")])),
});
type ClipsQuery = Static<typeof clipsQuery>;

function isWindow({ before, limit: _limit, ...window }: ClipsQuery): boolean {
  const isAny = Object.keys(window).length > 0;
  if (isAny && before !== undefined)
    throw new MalformedInput("before", "Cannot list clips: `before` goes with no window of time");
  return isAny;
}

function windowOf({ camera, order, limit, before: _before, ...query }: ClipsQuery): WindowQuery {
  return {
    ...query,
    ...(camera === undefined ? {} : { camera: parseCameraId(camera) }),
    oldestFirst: order === "oldest",
    limit: limit ?? 100,
  };
}

const clipParameter = Type.Object({
  clip: Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }),
});
const fileParameter = Type.Object({
  clip: Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }),
  name: Type.String({ pattern: "^[a-z0-9.]{1,80}$", maxLength: 80 }),
});

/** Only so many bytes: header and first chunk show whose key it is, without the rest. */
const fileQuery = Type.Object({
  first: Type.Optional(Type.Integer({ minimum: 1, maximum: 1 << 30 })),
});

function requireClip({ clips }: HubServices, id: string): StoredClip {
  const clip = clips.get(parseClipId(id));
  if (!clip) throw new HubError("NOT_FOUND", "There is no clip of this id");
  return clip;
}

function rightFor(rendition: string): Right {
  return rendition === "blurred" ? "view_blurred" : "view_originals";
}

function requireRight(device: SessionDevice, right: Right): void {
  if (!device.rights.includes(right))
    throw new HubError("NOT_ALLOWED", `Cannot answer: this device has no right to ${right}`);
}

/** By name among the files that the store lists, never by a path that came from outside. */
function findFile(
  { clips }: HubServices,
  clip: ClipId,
  name: string,
): { path: string; right: Right; isLook: boolean } {
  const file = clips.files(clip).find((listed) => sealedFileName(listed) === name);
  if (file)
    return {
      path: clips.pathOf(clip, file),
      right: rightFor(file.rendition),
      // A list shows it of every recording that it passes: that is no look at each of them.
      isLook: file.track !== "poster" || file.rendition !== "blurred",
    };
  if (clips.tornFiles(clip).some((torn) => torn.name === name))
    return {
      path: clips.tornPathOf(clip, name),
      right: rightFor(name.includes(".blurred.") ? "blurred" : "original"),
      isLook: true,
    };
  throw new HubError("NOT_FOUND", "There is no file of this name");
}

function recordView(
  { ledger, nowMs }: HubServices,
  views: Set<string>,
  device: SessionDevice,
  clip: ClipId,
): void {
  const view = `${device.session} ${clip}`;
  if (views.has(view)) return;
  ledger.append({ v: 1, kind: "view", atMs: nowMs(), clip, device: device.device });
  if (views.size >= VIEWS_REMEMBERED_MAX) views.clear();
  views.add(view);
}

async function sendFile(
  file: string,
  first: number | undefined,
  reply: FastifyReply,
): Promise<void> {
  let size: number;
  try {
    ({ size } = await stat(file));
    size = Math.min(size, first ?? size);
  } catch (cause) {
    throw new HubError("FILE_MISSING", "Cannot read file: it is not on the disk any more", {
      cause,
    });
  }
  await reply
    .type("application/octet-stream")
    .header("content-length", size)
    .send(createReadStream(file, { end: Math.max(0, size - 1) }));
}

function summaryOf(clip: StoredClip, { retention }: HubServices): Api.ClipSummary {
  const { heldUntilMs, goesInMs } = retention.marksOf(clip.id);
  const { id, camera, kind, startedAtMs, durationMs, state, renditions, segments } = clip;
  return {
    id,
    camera,
    kind,
    startedAtMs,
    durationMs,
    state,
    renditions: [...renditions],
    segments,
    ...(heldUntilMs === null ? {} : { heldUntilMs }),
    ...(goesInMs === null ? {} : { goesInMs }),
    blur: clip.blur,
  };
}

/** A recording as devices get it, with its files. */
export function detailOf(clip: StoredClip, services: HubServices): Api.ClipDetail {
  const { clips } = services;
  const files = clips.files(clip.id);
  const renditionEntries = [...clips.renditionEntriesOf(clip.id)];
  return {
    ...summaryOf(clip, services),
    eventAtMs: clip.eventAtMs,
    why: clip.why,
    keyringHead: clip.keyringHead,
    entryIndex: clip.entryIndex,
    files: [...files],
    ...(renditionEntries.length === 0 ? {} : { renditionEntries }),
    torn: clips.tornFiles(clip.id).map(({ name, sizeBytes }) => ({ name, sizeBytes })),
  };
}
