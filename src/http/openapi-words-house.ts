import { HealthAnswer } from "../protocol/api.ts";
import { KEYRING_CODES, SETTINGS_CODES } from "./openapi-errors.ts";
import type { RouteGroup } from "./openapi-words.ts";

const nothing = (words: string) => ({ kind: "nothing", words }) as const;
const page = (type: string) =>
  ({ kind: "bytes", type, words: "The file, with its own content policy." }) as const;
const camera = ["NOT_FOUND", ...SETTINGS_CODES] as const;

/** Words for what belongs to the household and the devices around it. */
export const HOUSE_WORDS: readonly RouteGroup[] = [
  {
    tag: "Page",
    description: "The page itself and what everybody may read.",
    routes: {
      "GET /": { summary: "The page", errors: ["NOT_FOUND"], answer: page("text/html") },
      "GET /:file": {
        summary: "A file of the page",
        errors: ["NOT_FOUND"],
        answer: page("application/octet-stream"),
      },
      "GET /assets/:file": {
        summary: "A script, style or picture of the page",
        errors: ["NOT_FOUND"],
        answer: page("application/octet-stream"),
      },
      "GET /assets/redact/:file": {
        summary: "A part of the worker that blurs on the device",
        errors: ["NOT_FOUND"],
        answer: page("application/octet-stream"),
      },
      "GET /notice": {
        summary: "The notice at the door, for everybody who comes",
        answer: page("text/html"),
      },
      "GET /.well-known/security.txt": {
        summary: "To whom to report a hole in this hub, where its owner has named somebody",
        errors: ["NOT_FOUND"],
        answer: page("text/plain"),
      },
      "GET /api/notice": { summary: "What the notice at the door says, as facts" },
      "GET /api/openapi.json": {
        summary: "This document",
        answer: {
          kind: "json",
          schema: {
            type: "object",
            required: ["openapi", "info", "paths"],
            properties: {
              openapi: { type: "string", examples: ["3.1.0"] },
              info: { type: "object" },
              paths: { type: "object" },
            },
          },
          words: "An OpenAPI 3.1 document.",
        },
      },
    },
  },
  {
    tag: "Hub",
    description: "The hub itself: what it is, how it does, what it connects to.",
    routes: {
      "GET /api/hub": {
        summary: "Name, version and ledger key of this hub",
        description: "Needs no login, so that a device can tell which hub it speaks with.",
      },
      "GET /api/health": {
        summary: "How cameras, disk, blurring and bells do",
        answer: { kind: "json", schema: HealthAnswer, words: "The state at this moment." },
      },
      "GET /api/metrics": {
        summary: "The same as figures, in Prometheus' text format",
        description:
          "Only where the settings say `health: { metrics: true }`, and with a token of its own as bearer.",
        errors: ["NOT_FOUND", "METRICS_REFUSED"],
        answer: {
          kind: "bytes",
          type: "text/plain",
          words: "Prometheus' text format, version 0.0.4.",
        },
      },
      "GET /api/health/metrics": {
        summary: "Whether programs may read figures, and since when there is a token",
      },
      "POST /api/health/metrics-token": {
        summary: "Make a new token for reading figures, in place of the last",
        description: "It is said this once: the hub keeps its hash.",
      },
      "DELETE /api/health/metrics-token": {
        summary: "Take the token for reading figures back",
        answer: nothing("No token reads them any more."),
      },
      "GET /api/connections": {
        summary: "Every place this hub was ever told to connect to",
        description: "With the first and the last time. Nothing else is connected to.",
      },
      "GET /api/news": {
        summary: "Hear that something is new (WebSocket)",
        description:
          "The hub sends short JSON messages that say which part has changed, never what is in it; ask for that part anew. What a page sends is not read.",
        answer: { kind: "socket", words: "The socket is open until either side closes it." },
      },
    },
  },
  {
    tag: "Session",
    description: "Logging in with a device key.",
    routes: {
      "POST /api/session/challenge": {
        summary: "A challenge for a device key to sign",
        description: "Answered alike for keys that the household knows and for all others.",
      },
      "POST /api/session": {
        summary: "Log in with the signed challenge",
        description:
          "With `as: cookie` the answer sets the session cookie and holds no token; otherwise it holds a bearer token, which lasts twelve hours.",
        errors: ["LOGIN_REFUSED", "TOO_MANY_SESSIONS"],
      },
      "GET /api/session": { summary: "Which device this is and what it may do" },
      "DELETE /api/session": {
        summary: "Log out",
        answer: nothing("The session is over, its cookie is cleared."),
      },
      "GET /api/sessions": { summary: "All open sessions of the household" },
      "DELETE /api/sessions/:id": {
        summary: "End a session",
        description: "Answers alike where there is none of this id.",
        answer: nothing("There is no session of this id any more."),
      },
    },
  },
  {
    tag: "Household",
    description: "Claiming the hub, its devices, and the keyring that names them.",
    routes: {
      "POST /api/claim/test": {
        summary: "Have the hub seal a test for the keys of a new household",
        description: "The code stands on the console of the machine.",
        errors: ["CLAIM_CODE_WRONG", "CLAIM_GONE"],
      },
      "POST /api/claim": {
        summary: "Found the household",
        errors: [
          ...["CLAIM_CODE_WRONG", "CLAIM_GONE", "CLAIM_UNPROVEN", "CLOCK_WRONG"],
          "FOREIGN_HOUSEHOLD",
          "PASSKEY_FOREIGN",
          ...KEYRING_CODES,
        ],
      },
      "GET /api/keyring": { summary: "All statements of the keyring, signed by owners" },
      "GET /api/devices": { summary: "The devices of the household, with their labels" },
      "POST /api/pairings": {
        summary: "A new device asks to be let in",
        errors: ["NOT_CLAIMED", "TOO_MANY_PAIRINGS"],
      },
      "GET /api/pairings": { summary: "Devices that ask to be let in, for owners" },
      "GET /api/pairings/:id": {
        summary: "How the pairing stands, for the new device",
        errors: ["KEYS_HANDED_OUT", "NOT_FOUND"],
      },
      "POST /api/pairings/:id/nonce": {
        summary: "An owner's device answers the new one",
        errors: ["NOT_FOUND", "NOT_OPEN"],
        answer: nothing("Kept for the new device."),
      },
      "POST /api/pairings/:id/reveal": {
        summary: "The new device shows its key",
        errors: ["NOT_FOUND", "NOT_OPEN"],
        answer: nothing("Kept for the owner."),
      },
      "POST /api/pairings/:id/admit": {
        summary: "An owner lets the new device in",
        errors: [
          ...["NOT_CLAIMED", "NOT_FOUND", "NOT_OPEN", "TOO_MANY_PROPOSALS", "PASSKEY_FOREIGN"],
          ...KEYRING_CODES,
        ],
        answer: nothing("Accepted, or proposed where more owners have to sign."),
      },
      "POST /api/keyring/sheet-test": {
        summary: "Have the hub seal a test for a new recovery sheet",
        errors: ["NOT_CLAIMED"],
      },
      "POST /api/keyring": {
        summary: "Change the keyring by a signed statement",
        errors: [
          ...["CLAIM_UNPROVEN", "CLOCKS_DIFFER", "NOT_CLAIMED", "PASSED_ON_INCOMPLETE"],
          ...["NOT_OPEN", "TOO_MANY_PROPOSALS", "FOREIGN_HOUSEHOLD", ...KEYRING_CODES],
        ],
      },
      "GET /api/keyring/proposals": { summary: "Changes that wait for another owner" },
      "POST /api/keyring/proposals/:id": {
        summary: "Sign a waiting change as well",
        errors: ["CLOCKS_DIFFER", "NOT_CLAIMED", "NOT_FOUND", "NOT_OPEN", ...KEYRING_CODES],
      },
      "DELETE /api/keyring/proposals/:id": {
        summary: "Drop a waiting change",
        errors: ["NOT_FOUND"],
        answer: nothing("It is gone."),
      },
      "GET /api/passed-on": { summary: "Reading keys that were passed on to this device" },
      "DELETE /api/passed-on/:epoch": {
        summary: "Say that a passed-on key was taken over",
        answer: nothing("The hub keeps it no more."),
      },
      "GET /api/recoveries": {
        summary: "What somebody with the recovery sheet needs, sealed to the sheet",
        errors: ["NOT_CLAIMED"],
      },
      "POST /api/recoveries": {
        summary: "Begin the way of the lost phone",
        description: "All devices see the notice, and any owner may object while it lasts.",
        errors: [
          ...["CLOCKS_DIFFER", "NOT_CLAIMED", "PASSED_ON_INCOMPLETE", "RECOVERY_TOO_EARLY"],
          ...["LABEL_MISMATCH", "FOREIGN_HOUSEHOLD", "PASSKEY_FOREIGN", ...KEYRING_CODES],
        ],
        answer: nothing("Accepted."),
      },
      "GET /api/recovery": { summary: "Whether a recovery is under way, and how far" },
    },
  },
  {
    tag: "Settings",
    description: "What owners may set from the page. No answer holds a password.",
    routes: {
      "GET /api/settings": { summary: "The settings", errors: ["SETTINGS_UNREADABLE"] },
      "PUT /api/settings/name": { summary: "Name the hub", errors: SETTINGS_CODES },
      "PUT /api/settings/retention": {
        summary: "Set how long recordings are kept",
        errors: SETTINGS_CODES,
      },
      "PUT /api/settings/cameras/:id": { summary: "Add or change a camera", errors: camera },
      "DELETE /api/settings/cameras/:id": {
        summary: "Remove a camera",
        description: "Its recordings stay.",
        errors: camera,
      },
      "GET /api/settings/cameras/:id/motion": {
        summary: "What counts as motion at a camera",
        errors: ["NOT_FOUND"],
      },
      "PUT /api/settings/cameras/:id/motion": {
        summary: "Set what counts as motion",
        errors: camera,
      },
      "GET /api/settings/cameras/:id/areas": {
        summary: "Zones, privacy masks and public space of a camera",
        errors: ["NOT_FOUND"],
      },
      "PUT /api/settings/cameras/:id/areas": {
        summary: "Set zones, privacy masks and public space",
        errors: ["MASKS_TOO_MUCH", "TRANSCODE_NOT_MEASURED", ...camera],
      },
      "POST /api/settings/cameras/:id/masks/in-camera": {
        summary: "Have the camera itself hide what the masks hide",
        errors: [
          "CAMERA_PROBE_FAILED",
          "CAMERA_PROBE_STOPPED",
          "NO_ONVIF",
          "UNREACHABLE",
          "NOT_FOUND",
        ],
      },
      "POST /api/cameras/find": {
        summary: "Look for cameras in this network",
        errors: ["CAMERA_PROBE_FAILED", "CAMERA_PROBE_STOPPED", "CAMERA_TEST_BUSY"],
      },
      "POST /api/cameras/probe": {
        summary: "Ask a camera for its streams",
        errors: [
          ...["CAMERA_PROBE_FAILED", "CAMERA_PROBE_STOPPED", "CAMERA_TEST_BUSY", "NO_ONVIF"],
          ...["UNREACHABLE", "NOT_FOUND"],
        ],
      },
      "POST /api/cameras/test": {
        summary: "Try a camera's address before it is saved",
        errors: ["CAMERA_TEST_BUSY", "CAMERA_TEST_FAILED", "CAMERA_TEST_STOPPED", "NOT_FOUND"],
      },
    },
  },
  {
    tag: "Door",
    description: "Bells, the chime, talking, and cameras that are off.",
    routes: {
      "GET /api/bells": { summary: "How each camera's bell is heard" },
      "GET /api/bells/:camera/teaching": {
        summary: "What was heard while a bell is taught",
        errors: ["NOT_FOUND"],
      },
      "POST /api/bells/:camera/teaching": {
        summary: "Begin to teach a bell",
        errors: ["CAMERA_OFF", "NOT_FOUND"],
      },
      "DELETE /api/bells/:camera/teaching": {
        summary: "Stop teaching a bell",
        errors: ["NOT_FOUND"],
      },
      "POST /api/bells/:camera/rules": { summary: "Add a way to hear a bell", errors: camera },
      "DELETE /api/bells/:camera/rules/:rule": {
        summary: "Remove a way to hear a bell",
        errors: camera,
      },
      "POST /api/bells/:camera/test": {
        summary: "Ring as if somebody had pressed",
        errors: ["NOT_FOUND"],
      },
      "GET /api/bells/:camera/ring/:token": {
        summary: "Ring by a webhook",
        description: "For doorbells that can do nothing but GET.",
        errors: ["NOT_FOUND", "TOO_MANY_CALLS"],
        answer: nothing("It has rung."),
      },
      "POST /api/bells/:camera/ring/:token": {
        summary: "Ring by a webhook",
        description: "Any body is taken and none is read.",
        errors: ["NOT_FOUND", "TOO_MANY_CALLS"],
        answer: nothing("It has rung."),
      },
      "GET /api/chime": { summary: "How the chime in the house is set" },
      "PUT /api/chime": { summary: "Set the chime", errors: SETTINGS_CODES },
      "POST /api/chime/test": { summary: "Sound the chime now" },
      "GET /api/privacy": { summary: "Which cameras are off, since when and until when" },
      "POST /api/privacy/:camera": {
        summary: "Switch a camera off, or on again",
        description:
          "Owners and adults switch off. On again: whoever alone switched it off, and owners. Every switching is entered into the ledger.",
        errors: ["DISK_FULL", "NOT_ALLOWED", "NOT_CLAIMED", "NOT_FOUND"],
      },
      "PUT /api/privacy/:camera/hours": {
        summary: "Set the hours in which a camera is off",
        errors: ["NOT_CLAIMED", ...camera],
      },
      "GET /api/live/:camera": {
        summary: "Pictures as they come (WebSocket)",
        description:
          "Binary messages, each a JSON header and a piece of the stream. Looking is entered into the ledger. Closed with a code of its own where the session ends or the camera is switched off.",
        errors: ["CAMERA_OFF", "NOT_FOUND"],
        answer: { kind: "socket", words: "The stream follows." },
      },
      "GET /api/talk": { summary: "Where one can talk, and the recorded replies" },
      "GET /api/talk/:camera": {
        summary: "Talk through a camera (WebSocket)",
        description:
          "The hub says in JSON when it is open and which law of G.711 it wants; sound comes as binary messages. It ends with a JSON message that says why.",
        answer: { kind: "socket", words: "The conversation begins when the hub says so." },
      },
      "POST /api/talk/:camera/replies/:id": {
        summary: "Say a recorded reply at the door",
        errors: [
          ...["CAMERA_OFF", "NOT_ALLOWED", "NOT_FOUND", "NO_BACK_CHANNEL", "TALK_BUSY", "TALK_OFF"],
          ...["TALK_ENDED", "TALK_FAILED", "UNREACHABLE", "UNSUPPORTED_CODEC", "NOT_LOGGED_IN"],
        ],
      },
      "GET /api/replies/:id": { summary: "The sound of a recorded reply", errors: ["NOT_FOUND"] },
      "POST /api/replies": {
        summary: "Keep a recorded reply",
        errors: ["DISK_FULL", "REPLY_KNOWN", "TOO_MANY_REPLIES"],
      },
      "DELETE /api/replies/:id": { summary: "Delete a recorded reply", errors: ["NOT_FOUND"] },
    },
  },
];
