import type { AnyEntry } from "./forged-house.ts";
import { NOW_MS } from "./test-household.ts";

/** A hash or id that is of nothing. */
export const hex = (digit: string, length = 64): string => digit.repeat(length);

/** What a ledger may have in it, good and bad: both must count it alike. */
const REQUEST = hex("1", 32);
const DECISION = hex("d");
/** An entry of version 1, unless its members say otherwise. */
export const told = (kind: string, members: object): AnyEntry =>
  ({ v: 1, kind, atMs: NOW_MS, ...members }) as AnyEntry;
const request = (members: object = {}): AnyEntry =>
  told("request", {
    ...{ request: REQUEST, requestSha256: hex("2"), requestKind: "insurer" },
    ...{ channel: "sealed_file", urgency: "normal", ...members },
  });
const decision = (head: string, members: object = {}): AnyEntry =>
  told("decision", {
    ...{ request: REQUEST, outcome: "approved", decisionSha256: DECISION, keyringHead: head },
    ...members,
  });
const of = { request: REQUEST, decisionSha256: DECISION };
const release = (members: object = {}): AnyEntry =>
  told("release", { ...of, files: 2, ...members });

/** name: entries after genesis, and the verdict of both. */
export const LEDGERS: Readonly<
  Record<string, [code: number, entries: (head: string) => AnyEntry[]]>
> = {
  "of nothing": [0, () => []],
  "of every kind": [
    0,
    (head) => [
      request({ v: 2, secondsAsked: 60 }),
      told("assurance", {
        request: REQUEST,
        level: "met",
        device: hex("3"),
        statementSha256: hex("4"),
      }),
      decision(head, { v: 2, secondsGranted: 8, clearFaces: true, audio: true }),
      release(),
      told("share", { ...of, shareSha256: hex("5") }),
      told("access", of),
      told("revocation", { ...of, v: 2, revocationSha256: hex("6") }),
      told("hold", { clip: hex("7", 32), untilMs: NOW_MS + 1 }),
      told("hold", { clip: hex("7", 32), untilMs: NOW_MS }),
      told("hold", {
        v: 2,
        request: REQUEST,
        clips: 1,
        untilMs: NOW_MS + 1,
        device: hex("3"),
        statementSha256: hex("4"),
      }),
      told("deletion", { clip: hex("7", 32), reason: "age" }),
      told("view", { clip: hex("7", 32), device: hex("3") }),
      told("live", { camera: "front", device: hex("3") }),
      told("talk", { camera: "front", device: hex("3") }),
      ...["schedule", "timer", "broker", hex("3")].map((by) =>
        told("camera", { camera: "front", state: "off", by }),
      ),
      told("settings", { settingsSha256: hex("8") }),
      told("software", { version: "0.1.0" }),
      told("clock", { jumpMs: -60_000 }),
      told("heartbeat", { everyMs: 60_000, first: true }),
      told("statement", { month: "2026-10", statementSha256: hex("9") }),
      told("restored", { by: null, copiedToMs: NOW_MS, statementSha256: hex("a") }),
      told("acceptance", { restored: 1, device: hex("3"), seenSize: 9, statementSha256: hex("b") }),
      told("torn", { clip: hex("7", 32), files: [{ name: "x", sizeBytes: 0, sha256: hex("c") }] }),
    ],
  ],
  "of a lapse": [
    0,
    (head) => [
      request(),
      decision(head),
      release(),
      told("revocation", { ...of, v: 2, revocationSha256: null }),
    ],
  ],
  "of an older revocation": [0, (head) => [request(), decision(head), told("revocation", of)]],
  "of an expiry": [
    0,
    (head) => [request(), decision(head, { outcome: "expired", decisionSha256: null })],
  ],
  "of a kind that a later version has": [1, () => [told("gift", {})]],
  "of a request of no known kind": [1, () => [request({ requestKind: "gift" })]],
  "of a camera that is none": [1, () => [told("live", { camera: "FRONT", device: hex("3") })]],
  "of a device that is none": [
    1,
    () => [told("view", { clip: hex("7", 32), device: "x".repeat(64) })],
  ],
  "of a heart that beats too fast": [1, () => [told("heartbeat", { everyMs: 1, first: true })]],
  "of a time after every other": [1, () => [told("software", { version: "1", atMs: 2 ** 53 - 1 })]],
  "of a month that is none": [
    1,
    () => [told("statement", { month: "2026-13", statementSha256: hex("9") })],
  ],
  "of a file without its segment": [
    1,
    () => [
      told("rewrap", {
        clip: hex("7", 32),
        device: hex("3"),
        keyringHead: hex("4"),
        files: [
          {
            segment: null,
            track: "video",
            rendition: "original",
            payloadSha256: hex("1"),
            headerSha256: hex("2"),
          },
        ],
      }),
    ],
  ],
  "of a copy that replaces more than it has": [
    1,
    () => [
      told("rendition", {
        v: 4,
        clip: hex("7", 32),
        device: hex("3"),
        replaces: [hex("1"), hex("2")],
        files: [
          {
            segment: 0,
            track: "video",
            rendition: "blurred",
            payloadSha256: hex("1"),
            sizeBytes: 1,
            fromMs: 0,
            toMs: 1,
            derivedFrom: hex("5"),
          },
        ],
      }),
    ],
  ],
  "of a request twice": [1, () => [request(), request()]],
  "of a decision without request": [1, (head) => [decision(head)]],
  "of two decisions": [1, (head) => [request(), decision(head), decision(head)]],
  "of a decision under another keyring": [1, () => [request(), decision(hex("0"))]],
  "of an approval that nobody signed": [
    1,
    (head) => [request(), decision(head, { decisionSha256: null })],
  ],
  "of an expiry that somebody signed": [
    1,
    (head) => [request(), decision(head, { outcome: "expired" })],
  ],
  "of a refusal that grants": [
    1,
    (head) => [
      request(),
      decision(head, {
        v: 2,
        outcome: "refused",
        secondsGranted: 1,
        clearFaces: false,
        audio: false,
      }),
    ],
  ],
  "of an assurance of nothing": [
    1,
    () => [
      told("assurance", {
        request: REQUEST,
        level: "met",
        device: hex("3"),
        statementSha256: hex("4"),
      }),
    ],
  ],
  "of a revocation of nothing": [1, () => [request(), told("revocation", of)]],
  "of a revocation twice": [
    1,
    (head) => [request(), decision(head), told("revocation", of), told("revocation", of)],
  ],
  "of a release without approval": [1, () => [request(), release()]],
  "of a release of a refusal": [
    1,
    (head) => [request(), decision(head, { outcome: "refused" }), release()],
  ],
  "of a release twice": [1, (head) => [request(), decision(head), release(), release()]],
  "of a release after its end": [
    1,
    (head) => [request(), decision(head), told("revocation", of), release()],
  ],
  "of an access before its release": [1, (head) => [request(), decision(head), told("access", of)]],
  "of a share after its end": [
    1,
    (head) => [
      request(),
      decision(head),
      release(),
      told("revocation", of),
      told("share", { ...of, shareSha256: hex("5") }),
    ],
  ],
};
