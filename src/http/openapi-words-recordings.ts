import type { RouteGroup } from "./openapi-words.ts";

const nothing = (words: string) => ({ kind: "nothing", words }) as const;

/** Words for recordings, their copies, and the ledger. */
export const RECORDING_WORDS: readonly RouteGroup[] = [
  {
    tag: "Recordings",
    description: "Recordings as they lie on the disk: ciphertext, which only devices open.",
    routes: {
      "GET /api/clips": {
        summary: "List recordings",
        description:
          "Newest first with `before` and `limit`; or those of a window of time with `fromMs` and `toMs`, of one camera or kind.",
      },
      "GET /api/clips/:clip": {
        summary: "One recording with all its files",
        errors: ["NOT_FOUND"],
      },
      "GET /api/clips/:clip/files/:name": {
        summary: "A file of a recording, sealed",
        description:
          "Ciphertext (age). The first look at a recording in a session is entered into the ledger. Originals need the right to view originals.",
        errors: ["FILE_MISSING", "NOT_ALLOWED", "NOT_FOUND"],
        answer: {
          kind: "bytes",
          type: "application/octet-stream",
          words: "The file, or its first bytes where `first` is given.",
        },
      },
      "GET /api/clips/:clip/views": {
        summary: "Which devices have looked at a recording",
        errors: ["NOT_FOUND"],
      },
      "GET /api/timeline": {
        summary: "When something was recorded, by hour",
        description: "Answers 304 to the tag of an answer that has not changed.",
      },
      "GET /api/clips/:clip/nothing": {
        summary: "Whether an owner said that nothing was there",
        errors: ["NOTHING_REFUSED", "NOT_FOUND"],
      },
      "PUT /api/clips/:clip/nothing": {
        summary: "Say that nothing was there, or take it back",
        errors: ["NOTHING_REFUSED", "NOT_FOUND"],
      },
      "POST /api/clips/present": {
        summary: "How many files of recordings are still on the disk",
        description: "For a witness that compares the ledger with what is there.",
      },
    },
  },
  {
    tag: "Retention",
    description: "What stays, what goes, and how an owner changes that.",
    routes: {
      "GET /api/retention": { summary: "What goes next, and how much room is left" },
      "POST /api/clips/:clip/hold": {
        summary: "Keep a recording until a day",
        errors: ["CLIP_NOT_GOING", "HOLD_OUT_OF_RANGE", "NOT_FOUND", "TOO_MANY_HOLDS"],
        answer: nothing("It is kept until then."),
      },
      "DELETE /api/clips/:clip": {
        summary: "Delete a recording, after a time to change one's mind",
        errors: ["CLIP_HELD", "CLIP_RECORDING", "CLIP_RELEASED", "NOT_FOUND"],
      },
      "POST /api/clips/:clip/restore": {
        summary: "Take a deletion back",
        errors: ["CLIP_NOT_GOING", "NOT_FOUND"],
        answer: nothing("It stays."),
      },
    },
  },
  {
    tag: "Copies",
    description: "Blurred copies that devices make, and sealing anew for new readers.",
    routes: {
      "POST /api/clips/:clip/renditions": {
        summary: "Announce a blurred copy",
        errors: [
          ...["CLIP_RECORDING", "DISK_FULL", "NOT_FOUND", "RENDITION_KNOWN", "RENDITION_RELEASED"],
          ...["RENDITION_WAITING", "TOO_MANY_RENDITIONS", "CLIP_UNKNOWN"],
        ],
      },
      "POST /api/clips/:clip/renditions/:id/files/:segment": {
        summary: "Send a file of the announced copy, sealed",
        errors: ["DISK_FULL", "FILE_KNOWN", "FILE_UNKNOWN", "NOT_FOUND"],
        bodyType: "application/octet-stream",
        answer: nothing("The file is kept."),
      },
      "POST /api/clips/:clip/renditions/:id/close": {
        summary: "List the copy: all its files are there",
        errors: [
          ...["DISK_FULL", "FILE_DAMAGED", "NOT_FOUND", "RENDITION_INCOMPLETE"],
          ...["RENDITION_KNOWN", "RENDITION_RELEASED"],
        ],
      },
      "DELETE /api/clips/:clip/renditions/:id": {
        summary: "Drop a copy that was announced and not closed",
        errors: ["NOT_FOUND"],
        answer: nothing("It is gone."),
      },
      "GET /api/sealed-before": {
        summary: "Recordings that are sealed for readers of before",
      },
      "POST /api/clips/:clip/rewrap": {
        summary: "Seal a recording's keys for the readers of now",
        errors: [
          "CLIP_UNKNOWN",
          "DISK_FULL",
          "FILE_MISSING",
          "KEYRING_CHANGED",
          "NOT_FOUND",
          "REWRAP_REFUSED",
        ],
      },
    },
  },
  {
    tag: "Ledger",
    description: "The append-only list of what happened, with a signed tree head.",
    routes: {
      "GET /api/ledger/checkpoint": { summary: "The newest signed tree head" },
      "GET /api/ledger/consistency": { summary: "Proof that the ledger only grew" },
      "GET /api/ledger/inclusion": { summary: "Proof that an entry is in the ledger" },
      "GET /api/ledger/entries": { summary: "Entries of the ledger" },
      "GET /api/ledger/counts": { summary: "How many entries of each kind there are" },
      "POST /api/ledger/cosignatures": {
        summary: "Leave a witness's signature under a tree head",
        errors: ["COSIGNATURE_REFUSED"],
        answer: nothing("It is kept."),
      },
      "GET /api/statements": { summary: "Statements that owners have signed" },
      "GET /api/restorations": {
        summary: "Where the ledger went on from a copy, and who has accepted it",
      },
      "POST /api/restorations/acceptances": {
        summary: "Take an owner's word that he knows what is gone",
        errors: ["RESTORATION_REFUSED", "STATEMENT_OLD", "NOT_CLAIMED"],
      },
      "POST /api/statements": {
        summary: "Hand in a signed statement",
        errors: ["STATEMENT_KNOWN", "STATEMENT_OLD", "STATEMENT_REFUSED", "NOT_CLAIMED"],
      },
    },
  },
];
