import type { WebSocket } from "ws";
import Type from "typebox";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import { HubError } from "../protocol/errors.ts";
import { parseCameraId, type CameraId } from "../protocol/ids.ts";
import { LIVE_CLOSE } from "../protocol/live-messages.ts";
import { CAMERA_IS_OFF } from "./live-streams.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";
import type { SessionDevice } from "./sessions.ts";

/** A socket that comes again within this time is the same looking: bad networks fill no ledger. */
const SAME_LOOKING_MS = 60_000;
const LOOKINGS_REMEMBERED_MAX = 1_000;
const LIVE_OPENINGS_A_MINUTE = 240;

const cameraParameter = Type.Object({
  camera: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 }),
});
const streamQuery = Type.Object({
  stream: Type.Optional(Type.Union([Type.Literal("main"), Type.Literal("sub")])),
});

/** Pictures as they come, over a socket, for devices whose role may look. */
export function addLiveRoutes(server: HubServer, services: HubServices): void {
  const { live, sessions, ledger, nowMs, privacy } = services;
  const lookings = new Lookings({ append: (entry) => void ledger.append(entry), nowMs });
  server.get(
    "/api/live/:camera",
    {
      websocket: true,
      config: { access: "live", rateLimit: { max: LIVE_OPENINGS_A_MINUTE, timeWindow: 60_000 } },
      schema: { params: cameraParameter, querystring: streamQuery },
      preHandler: async ({ params }) => requireCamera(services, params.camera),
    },
    (socket: WebSocket, request) => {
      const device = deviceOf(request);
      const camera = parseCameraId(request.params.camera);
      // Switched off while the socket was on its way.
      const refusal = privacy.isOff(camera)
        ? LIVE_CLOSE.cameraOff
        : live.refusalFor(device.session);
      if (refusal !== null) {
        socket.close(refusal);
        return;
      }
      const onGone = beginLooking(lookings, device, camera, socket);
      if (!onGone) return;
      live.join(camera, request.query.stream ?? "main", {
        socket,
        session: device.session,
        mayLook: () => sessions.deviceOfSession(device.session)?.rights.includes("live") === true,
        // Who may not open recorded sound is not told by the live one what people say either.
        mayHear: () =>
          sessions.deviceOfSession(device.session)?.rights.includes("view_originals") === true,
        onGone,
      });
    },
  );
}

function requireCamera({ live, privacy }: HubServices, camera: string): void {
  if (!live.hasCamera(camera)) throw new HubError("NOT_FOUND", "There is no camera of this id");
  if (privacy.isOff(camera)) throw new HubError("CAMERA_OFF", CAMERA_IS_OFF);
}

/** Null where the entry cannot be made: then nothing is shown either (invariant 8). */
function beginLooking(
  lookings: Lookings,
  device: SessionDevice,
  camera: CameraId,
  socket: WebSocket,
): (() => void) | null {
  try {
    return lookings.begin(device, camera);
  } catch {
    socket.close(LIVE_CLOSE.failed, "The hub could not enter this into its ledger");
    return null;
  }
}

/** Who looks at what, so that one looking is one entry however often its socket breaks. */
class Lookings {
  readonly #append: (entry: LedgerEntry) => void;
  readonly #nowMs: () => number;
  /** By session and camera: sockets that are open, and when the last one was closed. */
  readonly #open = new Map<string, { sockets: number; closedAtMs: number }>();

  constructor(options: { append: (entry: LedgerEntry) => void; nowMs: () => number }) {
    this.#append = options.append;
    this.#nowMs = options.nowMs;
  }

  /** Returns when the entry is committed. @returns what to call when the socket is gone. */
  begin({ session, device }: SessionDevice, camera: CameraId): () => void {
    const name = `${session} ${camera}`;
    const atMs = this.#nowMs();
    const before = this.#open.get(name);
    const isSame =
      before && (before.sockets > 0 || Math.abs(atMs - before.closedAtMs) <= SAME_LOOKING_MS);
    if (!isSame) this.#append({ v: 1, kind: "live", atMs, camera, device });
    const looking = isSame ? before : { sockets: 0, closedAtMs: 0 };
    looking.sockets += 1;
    this.#forgetOld(atMs);
    this.#open.set(name, looking);
    return () => {
      looking.sockets -= 1;
      looking.closedAtMs = this.#nowMs();
    };
  }

  #forgetOld(atMs: number): void {
    if (this.#open.size < LOOKINGS_REMEMBERED_MAX) return;
    for (const [name, { sockets, closedAtMs }] of this.#open)
      if (sockets === 0 && atMs - closedAtMs > SAME_LOOKING_MS) this.#open.delete(name);
    // Then a looking that goes on is entered once more, which is no harm.
    if (this.#open.size >= LOOKINGS_REMEMBERED_MAX) this.#open.clear();
  }
}
