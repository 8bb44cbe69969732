import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateReader, type ReaderKey } from "../../src/owner/identity.ts";
import type { DeviceBundle } from "../../src/owner/device-bundle.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { BUNDLE_FOLDER } from "../../src/protocol/bundle.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import type { LedgerEntry } from "../../src/protocol/ledger-entry.ts";
import { REQUEST_EXPIRY_MS } from "../../src/protocol/limits.ts";
import type { RequestDocument } from "../../src/protocol/request.ts";
import { readZip } from "../../src/protocol/zip.ts";
import { projectRoot } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { approve, refuse, statusPath, typeRequest } from "../support/test-consent.ts";
import { assure } from "../support/test-handling.ts";
import type { AssuranceLevel } from "../../src/protocol/handling.ts";
import { firstClip, startTestHub, type TestHub } from "../support/test-hub.ts";

// Invariant 7: emergency, gag and legal-basis labels change no outcome.

type Labels = Pick<RequestDocument, "kind" | "urgency" | "legalBasis"> & { deadline?: string };

const CALM: Labels = {
  kind: "police_voluntary",
  urgency: "normal",
  legalBasis: { basis: "none" },
};
const LABELS: [string, Labels][] = [
  ["an emergency", { ...CALM, urgency: "emergency" }],
  ["an emergency of the police", { ...CALM, kind: "police_emergency", urgency: "emergency" }],
  [
    "a warrant with a gag order and a deadline",
    {
      kind: "search_warrant",
      urgency: "normal",
      legalBasis: { basis: "gag order", citation: "18 USC 2705(b)", reference: "26-mj-0042" },
      deadline: "2026-11-21T21:05:00Z",
    },
  ],
  [
    "a court order that calls itself an emergency",
    { kind: "court_order", urgency: "emergency", legalBasis: { basis: "court" } },
  ],
  ["a neighbour's wish", { ...CALM, kind: "neighbour" }],
];

/** The same bytes in every history. */
function countedRandom(): (size: number) => Uint8Array {
  let count = 0;
  return (size) => {
    count += 1;
    const digest = createHash("sha512").update(`random ${count}`).digest();
    return new Uint8Array(digest.subarray(0, size));
  };
}

interface History {
  readonly states: readonly string[];
  readonly answers: readonly string[];
  /** Released age files by name. */
  readonly released: ReadonlyMap<string, string>;
  readonly ledger: readonly LedgerEntry[];
}

describe("the same history with other labels", () => {
  const base = temporaryFolder();
  let owner: DeviceBundle;
  let clip: ClipId;
  let recipient: ReaderKey;
  let calm: History;
  beforeAll(async () => {
    await using hub = await startTestHub({ clips: 1, dataDirectory: base.path, kind: "pq" });
    owner = hub.owner.bundle;
    clip = firstClip(hub);
    recipient = await generateReader("pq");
  });
  beforeAll(async () => {
    calm = await replay(CALM);
  });
  afterAll(() => base[Symbol.asyncDispose]());

  /** One request approved in part and fetched, one refused, one waiting, one left to expire. */
  async function replay(labels: Labels, level: AssuranceLevel | null = null): Promise<History> {
    await using folder = temporaryFolder();
    cpSync(base.path, folder.path, { recursive: true });
    await using hub = await startTestHub({
      dataDirectory: folder.path,
      owner,
      random: countedRandom(),
    });
    const ask = () => typeRequest(hub, { ...labels, recipient: recipient.recipient });
    const expired = await ask();
    hub.clock.nowMs += REQUEST_EXPIRY_MS;
    const { household, requests } = hub.hub.services;
    if (household.keyring) requests.expireDue(household.keyring.head);
    const awake: TestHub = { ...hub, owner: await hub.logIn(owner) };
    const asked = [expired];
    for (let count = 0; count < 3; count += 1)
      asked.push(await typeRequest(awake, { ...labels, recipient: recipient.recipient }));
    const [, approved, refused] = asked;
    if (!approved || !refused) throw new Error("no requests");
    if (level) for (const request of [approved, refused]) await assure(awake, request, level);
    await approve(awake, approved, { clip, segments: [0, 1], audio: true });
    await refuse(awake, refused);
    return await historyOf(awake, asked, approved);
  }

  async function historyOf(
    hub: TestHub,
    asked: readonly RequestSummary[],
    approved: RequestSummary,
  ): Promise<History> {
    const answers: string[] = [];
    for (const request of asked) {
      const { statusCode, headers } = await hub.call("GET", statusPath(request));
      answers.push(`${statusCode} ${headers["content-type"]} ${headers["content-disposition"]}`);
    }
    const bundle = await hub.call("GET", statusPath(approved));
    const members = [...readZip(new Uint8Array(bundle.rawPayload), 100)];
    const { requests, ledger } = hub.hub.services;
    return {
      states: requests.list(100).map(({ id, state }) => `${id} ${state}`),
      answers,
      released: new Map(
        members
          .filter(([name]) => name.startsWith(BUNDLE_FOLDER))
          .map(([name, content]) => [name, Buffer.from(content).toString("hex")]),
      ),
      ledger: ledger.entries().map(({ entry }) => entry),
    };
  }

  /** The label's own entry, and the hashes that follow from it, are where histories may differ. */
  function unlabelled(entry: LedgerEntry): unknown {
    if (entry.kind === "request") {
      const { requestKind: _kind, urgency: _urgency, requestSha256: _hash, ...rest } = entry;
      return rest;
    }
    if (entry.kind === "decision" || entry.kind === "release" || entry.kind === "access")
      return { ...entry, decisionSha256: entry.decisionSha256 === null ? null : "a hash" };
    return entry;
  }

  test("(control: the calm history has one of everything, and four released files)", () => {
    expect(calm.states.map((each) => each.split(" ")[1] ?? "").toSorted()).toEqual([
      "accessed",
      "expired",
      "received",
      "refused",
    ]);
    expect(calm.answers.filter((each) => each.startsWith("200"))).toHaveLength(1);
    expect(calm.released.size).toBe(4);
  });

  test("(control: replayed with the same labels it is the same)", async () => {
    const again = await replay(CALM);
    expect(again.released).toEqual(calm.released);
    expect(again.ledger.map(unlabelled)).toEqual(calm.ledger.map(unlabelled));
  });

  test.each(["called_back", "known_key"] as const)(
    "an owner who states %s: the same states, released bytes and entries but his own",
    async (level) => {
      const assured = await replay(CALM, level);
      expect(assured.states).toEqual(calm.states);
      expect(assured.answers).toEqual(calm.answers);
      expect(assured.released).toEqual(calm.released);
      expect(assured.ledger.filter(({ kind }) => kind === "assurance")).toHaveLength(2);
      const rest = assured.ledger.filter(({ kind }) => kind !== "assurance");
      expect(rest.map(unlabelled)).toEqual(calm.ledger.map(unlabelled));
    },
  );

  test.each(LABELS)("%s: the same states, released bytes and entries", async (_what, labels) => {
    const labelled = await replay(labels);
    expect(labelled.states).toEqual(calm.states);
    expect(labelled.answers).toEqual(calm.answers);
    expect(labelled.released).toEqual(calm.released);
    expect(labelled.ledger.map(unlabelled)).toEqual(calm.ledger.map(unlabelled));
    const asked = labelled.ledger.filter((entry) => entry.kind === "request");
    expect(new Set(asked.map((entry) => entry.urgency))).toEqual(new Set([labels.urgency]));
  });
});

describe("nothing in the source reads a label to decide", () => {
  /** Every line that touches one, and what it does with it. A new line must be justified here. */
  const ALLOWED: Readonly<Record<string, readonly string[]>> = {
    // The format itself: what may be said, and which half of a request it is in.
    "src/protocol/request.ts": [
      `"police_emergency",`,
      `urgency: literals(["normal", "emergency"]),`,
      `legalBasis: Type.Object(`,
      `const { kind, urgency, sought, recipient, deadline, ...personal } = document;`,
      `urgency,`,
    ],
    "src/protocol/ledger-entry.ts": [
      `requestKind: Type.String({ maxLength: 30 }),`,
      `urgency: Type.String({ maxLength: 20 }),`,
    ],
    // What the attack types in on a copy, to ask for everything.
    "src/cli/attack/copied-consent.ts": [`urgency: "normal",`],
    // Into the ledger, and compared with it.
    "src/consent/requests.ts": [
      `requestKind: record.asked.kind,`,
      `urgency: record.asked.urgency,`,
    ],
    // Counted in the transparency report, and told there.
    "src/protocol/report.ts": [
      `emergency: count,`,
      `const kind = REQUEST_KINDS.find((known) => known === entry.requestKind);`,
      `"requestKind",`,
      `if (entry.urgency === "emergency") row.emergency += 1;`,
      `emergency: 0,`,
    ],
    "src/cli/report-text.ts": [
      `const emergencies = sum(({ emergency }) => emergency);`,
      "...(emergencies > 0 ? [`Said to be an emergency: ${emergencies}. That changed nothing.`] : []),",
    ],
    "src/protocol/verify-bundle.ts": [
      `return request.asked.kind;`,
      `entry.requestKind === request.asked.kind &&`,
      `entry.urgency === request.asked.urgency &&`,
    ],
    // Shown to the owner.
    "src/cli/owner-lists.ts": [
      "`${record.request}  ${localTime(record.receivedAtMs)}  ${asked.kind}`,",
      `...(asked.urgency === "emergency"`,
      `? ["  Says that it is an emergency. That changes nothing."]`,
      "`  Basis: ${printable(personal.legalBasis.basis)}`,",
    ],
    "src/cli/owner-handling.ts": [
      `print(englishMeanings[asked.kind]);`,
      `const source = KIND_SOURCES[asked.kind];`,
    ],
    // The visitors' short form is for one kind, on the side of whoever asks; the hub takes any.
    "src/owner/requests.ts": [`if (asked.kind !== "data_subject")`],
    // How soon a carrier is asked to deliver (RFC 8030), by the kind of notice: one for all requests.
    "src/notify/notice.ts": [
      `export type Urgency = "very-low" | "low" | "normal" | "high";`,
      `readonly urgency: Urgency;`,
    ],
    "src/notify/outbox.ts": [
      `type Urgency,`,
      `const URGENCIES: Readonly<Record<NoticeKind, Urgency>> = {`,
      `...{ device, kind, id: notice, urgency: URGENCIES[kind] },`,
    ],
    "src/notify/ntfy.ts": [
      `import { CarrierFailure, isForNow, type Carrier, type Delivery, type Urgency } from "./notice.ts";`,
      `const PRIORITIES: Readonly<Record<Urgency, string>> = {`,
      `priority: PRIORITIES[delivery.urgency],`,
    ],
    "src/notify/push.ts": [`{ id, ttlSeconds, urgency, isReplacing }: Delivery,`, `urgency,`],
    "src/notify/unified-push.ts": [
      `headers: { ...headers, ttl: String(delivery.ttlSeconds), urgency: delivery.urgency },`,
    ],
    // Typed in by a requester.
    "web/form-template.ts": [
      '<label>${text("urgency")} <select name="urgency"><option value="normal" data-text="normal">${ENGLISH_TEXTS.normal}</option><option value="emergency" data-text="emergency">${ENGLISH_TEXTS.emergency}</option></select></label>',
    ],
  };

  /**
   * What names labels for an owner to look at. They read all of them; that nothing which decides, and
   * nothing of the hub, loads them is tested below.
   */
  const ADVISING = ["src/protocol/linter.ts", "src/protocol/linter-sources.ts"];

  const LABEL = /urgency|emergency|legalBasis|requestKind|asked\.kind|\bgag\b|\bwarrant\b/i;

  function linesWithLabels(file: string): string[] {
    const text = readFileSync(path.join(projectRoot, file), "utf8");
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true);
    const comments = new Set<number>();
    const skip = (node: ts.Node): void => {
      for (const range of ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [])
        for (let at = range.pos; at < range.end; at += 1) comments.add(at);
      ts.forEachChild(node, skip);
    };
    skip(source);
    const code = [...text].map((letter, at) =>
      comments.has(at) && letter !== "\n" ? " " : letter,
    );
    return code
      .join("")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => LABEL.test(line));
  }

  const sources = readdirSync(path.join(projectRoot, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => path.join("src", file))
    .concat("web/form-template.ts");

  test("every line that touches one is in the list above, and none of the list is stale", () => {
    const found = Object.fromEntries(
      sources
        .filter((file) => !ADVISING.includes(file))
        .map((file) => [file, linesWithLabels(file)] as const)
        .filter(([, lines]) => lines.length > 0),
    );
    expect(found).toEqual(ALLOWED);
  });

  test("what names labels for an owner to look at is loaded by what shows them, and by nothing else", () => {
    const page = readdirSync(path.join(projectRoot, "web"), { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(?:ts|svelte)$/.test(file) && !file.startsWith("dist"))
      .map((file) => path.join("web", file));
    const loading = [...new Set([...sources, ...page])].filter((file) =>
      /from "[^"]*\/linter(?:-sources)?\.ts"/.test(
        readFileSync(path.join(projectRoot, file), "utf8"),
      ),
    );
    expect(loading.toSorted()).toEqual([
      "src/cli/owner-handling.ts",
      // For the two hours of the visitors' short form alone, on the side of whoever asks.
      "src/owner/requests.ts",
      "src/protocol/linter.ts",
      "web/page/device/calls/handling-calls.ts",
      "web/page/device/calls/request-calls.ts",
      "web/page/screens/requests/Facts.svelte",
      "web/page/screens/requests/SecondLook.svelte",
      "web/page/screens/requests/look-words.en.ts",
    ]);
  });

  test("the parts of the page in which an owner chooses, looks and signs read none", () => {
    const screen = "web/page/screens/requests";
    const deciding = [
      "web/page/device/calls/decision-calls.ts",
      ...["DecisionSheet", "Choosing", "ClipPart", "Review"].map(
        (part) => `${screen}/${part}.svelte`,
      ),
      `${screen}/clip-choice.svelte.ts`,
    ];
    for (const file of deciding)
      expect(readFileSync(path.join(projectRoot, file), "utf8"), file).not.toMatch(LABEL);
  });

  test("the function that decides what may follow what is not told of any", () => {
    const states = readFileSync(path.join(projectRoot, "src/consent/states.ts"), "utf8");
    expect(states).toContain(
      "export function advance(state: RequestState, event: RequestEvent): Step | null {",
    );
    expect(states).not.toMatch(/import (?!type)/);
  });
});
