import { BUNDLE_MEDIA_TYPE } from "../protocol/bundle.ts";
import { DECISION_CODES, REVOCATION_CODES, SHARE_CODES } from "./openapi-errors.ts";
import type { RouteGroup } from "./openapi-words.ts";

const nothing = (words: string) => ({ kind: "nothing", words }) as const;
const statement = [
  ...["CLIP_UNKNOWN", "NOT_CLAIMED", "NOT_FOUND", "NOT_OPEN", "PRESERVATION_OVER"],
  ...["STATEMENT_KNOWN", "STATEMENT_OLD", "STATEMENT_REFUSED", "TOO_MANY_HOLDS"],
  "HOLD_OUT_OF_RANGE",
];

/** Words for what others ask for, what owners decide, and what is handed out. */
export const REQUEST_WORDS: readonly RouteGroup[] = [
  {
    tag: "Requests",
    description: "What others ask for. Only owners see it, and only signed decisions answer it.",
    routes: {
      "POST /api/forms": {
        summary: "Make a form that somebody can hand in once",
        errors: ["EXPIRY_OUT_OF_RANGE", "TOO_MANY_FORMS"],
      },
      "GET /api/requests": { summary: "List requests, newest first" },
      "POST /api/requests": {
        summary: "Type in a request that came by other ways",
        errors: [
          "EXPIRY_OUT_OF_RANGE",
          "TOO_MANY_DOCUMENTS",
          ...["CLOCK_WRONG", "TOO_MANY_REQUESTS_OPEN"],
          "DOCUMENT_KNOWN",
        ],
      },
      "POST /api/requests/import": {
        summary: "Take in a filled form that came as a file",
        errors: [
          ...["CLOCK_WRONG", "DOCUMENT_KNOWN", "FORM_GONE", "TOO_MANY_DOCUMENTS"],
          "TOO_MANY_REQUESTS_OPEN",
        ],
      },
      "GET /api/requests/:id": { summary: "One request", errors: ["NOT_FOUND"] },
      "POST /api/requests/:id/nonce": {
        summary: "A number for the decision, good once",
        errors: ["NOT_OPEN"],
      },
      "POST /api/requests/:id/decision": {
        summary: "Decide by a signed statement",
        description: "Approving and refusing are the same call with another signed outcome.",
        errors: [
          ...["CLIP_UNKNOWN", "FILE_DAMAGED", "FILE_MISSING", "NOT_CLAIMED", "NOT_FOUND"],
          ...["NOT_OPEN", "VIEWER_UNKNOWN", "PROPOSAL_STANDS", ...DECISION_CODES],
        ],
      },
      "GET /api/requests/:id/proposal": {
        summary: "The decision that waits for another owner",
        errors: ["NOT_FOUND"],
      },
      "POST /api/requests/:id/proposal": {
        summary: "Propose a decision that several owners sign",
        errors: [
          ...["CLIP_UNKNOWN", "FILE_MISSING", "NOT_CLAIMED", "NOT_FOUND", "NOT_OPEN"],
          ...["PROPOSAL_STANDS", "VIEWER_UNKNOWN", ...DECISION_CODES],
        ],
      },
      "POST /api/requests/:id/proposal/signatures": {
        summary: "Sign the proposed decision as well",
        errors: [
          ...["NOT_CLAIMED", "NOT_FOUND", "NOT_OPEN", "NO_PROPOSAL", "SIGNER_GONE"],
          ...DECISION_CODES,
        ],
      },
      "DELETE /api/requests/:id/proposal": {
        summary: "Drop the proposed decision",
        errors: ["NOT_ALLOWED", "NOT_FOUND", "NO_PROPOSAL"],
        answer: nothing("It is gone."),
      },
      "POST /api/requests/:id/revocation": {
        summary: "Take an approval back by a signed statement",
        errors: ["NOT_CLAIMED", "NOT_FOUND", "NOT_OPEN", ...REVOCATION_CODES],
      },
      "POST /api/requests/:id/withdrawal": {
        summary: "Take back a request that an owner typed in",
        errors: ["NOT_FOUND", "NOT_OPEN"],
      },
      "GET /api/requests/:id/handling": {
        summary: "Assurances, holds and the document of a request",
        errors: ["NOT_FOUND"],
      },
      "POST /api/requests/:id/assurance": {
        summary: "Say in a signed statement how a request was checked",
        errors: statement,
      },
      "POST /api/requests/:id/hold": {
        summary: "Keep what was asked for, by a signed statement",
        errors: statement,
      },
      "GET /api/requests/:id/document": {
        summary: "The document that came with a request, sealed",
        errors: ["DOCUMENT_GONE", "FILE_DAMAGED", "FILE_MISSING", "NOT_FOUND"],
        answer: {
          kind: "bytes",
          type: "application/octet-stream",
          words: "Ciphertext, whatever is inside.",
        },
      },
      "POST /api/requests/:id/document": {
        summary: "Attach a sealed document that was announced",
        errors: ["DISK_FULL", "DOCUMENT_GONE", "NOT_FOUND"],
        bodyType: "application/octet-stream",
        answer: nothing("It is kept."),
      },
      "DELETE /api/requests/:id/document": {
        summary: "Delete the document of a request",
        errors: ["NOT_FOUND"],
        answer: nothing("It is gone."),
      },
    },
  },
  {
    tag: "Released",
    description: "Handing out what was approved.",
    routes: {
      "GET /status/:token": {
        summary: "Fetch what was released",
        description:
          "Waiting, refused, expired and never asked are one and the same answer. Each fetch is entered into the ledger first. A broken download goes on with `Range` and `If-Range`.",
        errors: ["NOT_FOUND", "TOO_MANY_CALLS"],
        answer: { kind: "bytes", type: BUNDLE_MEDIA_TYPE, words: "The sealed bundle." },
      },
      "POST /status/:token/withdrawal": {
        summary: "Whoever asked takes it back",
        description: "It always answers the same.",
        answer: nothing("Noted, where there was something to note."),
      },
      "GET /api/viewer": { summary: "The viewer that bundles hold, by its hash" },
      "GET /api/requests/:id/shares": {
        summary: "Links that were made for a released bundle",
        errors: ["NOT_FOUND"],
      },
      "POST /api/shares": {
        summary: "Make a link by a signed statement",
        errors: ["NOT_CLAIMED", "NOT_FOUND", "NOT_OPEN", "TOO_MANY_SHARES", ...SHARE_CODES],
      },
    },
  },
];
