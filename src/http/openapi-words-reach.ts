import { SETTINGS_CODES } from "./openapi-errors.ts";
import type { RouteGroup } from "./openapi-words.ts";

/** Words for how the hub and the people of the house reach each other. */
export const REACH_WORDS: readonly RouteGroup[] = [
  {
    tag: "Local network",
    description: "The name, the certificates and the listener of the house.",
    routes: {
      "GET /api/lan/name": {
        summary: "The hub's name on the local network, and its eight words",
        description: "The words are those of the household's authority, to be compared by eye.",
      },
      "POST /api/lan/name": {
        summary: "Choose the name, before the claim",
        errors: ["CLAIM_GONE", "LAN_NAME_SET", "LAN_NAME_TAKEN", "TOO_MANY_CALLS"],
      },
      "GET /api/lan": { summary: "How the hub is reached on the local network" },
      "PUT /api/lan": {
        summary: "Open or close the local network",
        errors: ["LAN_MOVING", ...SETTINGS_CODES],
      },
      "POST /api/lan/move": {
        summary: "Begin to serve a second name, to which the household moves",
        errors: ["LAN_CLOSED", "LAN_MOVING", "LAN_NAME_SET", "LAN_NAME_TAKEN", ...SETTINGS_CODES],
      },
      "POST /api/lan/move/end": {
        summary: "End a move, to either of its names",
        errors: ["LAN_NOT_MOVING", ...SETTINGS_CODES],
      },
    },
  },
  {
    tag: "Notifications",
    description:
      "What a device is told of, and how it is reached. Nothing but an opaque id leaves the house.",
    routes: {
      "GET /api/push": {
        summary: "Whether this device's browser takes pushes",
        errors: ["PUSH_OFF"],
      },
      "PUT /api/push": {
        summary: "Push to this device's browser from now on",
        description:
          "Only push services that browsers use, and those that the settings name. The answer holds the secret with which this browser looks up notices; it is told this once, and ends the one before.",
        errors: ["ENDPOINT_NOT_ALLOWED", "NOT_CLAIMED", "PUSH_OFF", "TOO_MANY_SUBSCRIPTIONS"],
      },
      "DELETE /api/push/:id": {
        summary: "Push to this browser no more",
        errors: ["NOT_FOUND", "PUSH_OFF"],
      },
      "GET /api/notices": { summary: "The last notices, and how each carrier does" },
      "GET /api/notices/:id": {
        summary: "What a notice stands for, as far as this device may know",
        description: "Unknown and not allowed are the same answer.",
        errors: ["NOT_FOUND"],
      },
      "POST /api/notices/:id/seen": {
        summary: "Say that a notice has come, and how long that took",
        errors: ["NOT_FOUND"],
      },
      "GET /api/notifications": {
        summary: "What this device is told of, and how it is reached",
      },
      "PUT /api/notifications": { summary: "Say what this device is told of" },
      "PUT /api/notifications/ntfy": {
        summary: "Give this device a topic of its own at ntfy",
        errors: ["NO_NTFY"],
      },
      "DELETE /api/notifications/ntfy": { summary: "Forget this device's topic at ntfy" },
      "PUT /api/notifications/unified-push": {
        summary: "Send to an endpoint of UnifiedPush",
        errors: ["ENDPOINT_NOT_ALLOWED"],
      },
      "DELETE /api/notifications/unified-push": {
        summary: "Send to no endpoint of UnifiedPush",
      },
      "POST /api/notifications/test": {
        summary: "Send this device a notice that says only that it is a test",
      },
      "GET /api/notifications/test/:id": {
        summary: "How a test of this device goes",
        errors: ["NOT_FOUND"],
      },
      "GET /api/mailbox": {
        summary: "Where this device finds the household's mailbox from away",
        description: "What lies there is sealed and signed; whoever carries it needs no trust.",
        errors: ["NOT_CLAIMED"],
      },
      "GET /api/copy": {
        summary: "How the copy elsewhere stands",
        description: "What lies there is sealed; whoever keeps it needs no trust.",
      },
      "POST /api/copy/now": {
        summary: "Copy now what is not there yet",
        errors: ["NO_COPY", "NOT_CLAIMED"],
      },
    },
  },
];
