import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { generateReader } from "../../src/owner/identity.ts";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import { BUNDLE_FOLDER } from "../../src/protocol/bundle.ts";
import { readZip } from "../../src/protocol/zip.ts";
import { projectRoot } from "../support/requirements.ts";
import { exampleUrl, routesOf } from "../support/routes.ts";
import {
  approve,
  refuse,
  releasedBundle,
  statusPath,
  typeRequest,
} from "../support/test-consent.ts";
import { firstClip, requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";

// Invariant 4: nothing leaves without a release.

const { recipient } = await generateReader("x25519");

describe("an export", () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await startTestHub({ clips: 2, outside: true });
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  test("is the untouched ciphertext under a new header, byte for byte as it lies on the disk", async () => {
    const clip = firstClip(hub);
    const { bundle } = await releasedBundle(hub, { clip, audio: true });
    const { clips } = hub.hub.services;
    const members = [...readZip(bundle, 100)].filter(([name]) => name.startsWith(BUNDLE_FOLDER));
    const files = clips.files(clip);
    expect(members).toHaveLength(files.length);
    for (const file of files) {
      const stored = new Uint8Array(readFileSync(clips.pathOf(clip, file)));
      const { payloadOffset, headerBytes } = requireAgeHeader(stored);
      const payload = Buffer.from(stored.subarray(payloadOffset));
      const released = members.find(([, content]) =>
        payload.equals(content.subarray(-payload.length)),
      );
      expect(released).toBeDefined();
      const content = released?.[1] ?? new Uint8Array();
      const header = requireAgeHeader(content);
      expect(content.length).toBe(header.payloadOffset + payload.length);
      expect(header.headerBytes).not.toEqual(headerBytes);
      expect(header.stanzas).toHaveLength(1);
    }
  });

  test("is fetched once at a time; who waits for an answer is not told so", async () => {
    const released = await typeRequest(hub, { recipient });
    await approve(hub, released, { clip: firstClip(hub), segments: [0, 0] });
    const waiting = await typeRequest(hub, { recipient });
    const twice = async (path: string): Promise<number[]> => {
      const answers = await Promise.all([hub.call("GET", path), hub.call("GET", path)]);
      return answers.map(({ statusCode }) => statusCode).toSorted((left, right) => left - right);
    };
    expect(await twice(statusPath(released))).toEqual([200, 429]);
    expect(await twice(statusPath(waiting))).toEqual([404, 404]);
    requireOk(await hub.call("GET", statusPath(released)));
  });

  test("leaves the data folder as it was: no copy, no temporary file, no second header", async () => {
    const before = filesBelow(hub.dataDirectory);
    await releasedBundle(hub, { clip: firstClip(hub), segments: [0, 0] });
    expect(filesBelow(hub.dataDirectory)).toEqual(before);
    expect(hub.filesOutsideTheStore()).toEqual([]);
  });

  test("is not made for any state but a released one, whatever the row says", async () => {
    const waiting = await typeRequest(hub, { recipient });
    const refused = await typeRequest(hub, { recipient });
    await refuse(hub, refused);
    await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
    for (const request of [waiting, refused]) {
      const { request: id } = request.record;
      const before = database.prepare("SELECT state FROM requests WHERE id = ?").pluck().get(id);
      for (const state of ["packaged", "accessed", "approved"]) {
        // Somebody with the database writes that it was approved; nobody signed it.
        database.prepare("UPDATE requests SET state = ? WHERE id = ?").run(state, id);
        const answer = await hub.call("GET", statusPath(request));
        expect(answer.body, state).not.toContain("age-encryption");
        expect(answer.statusCode, state).not.toBe(200);
      }
      database.prepare("UPDATE requests SET state = ? WHERE id = ?").run(before, id);
    }
  });

  test("is not made from an approval that was moved to another request or edited in the database", async () => {
    const approved = await typeRequest(hub, { recipient });
    await approve(hub, approved, { clip: firstClip(hub), segments: [0, 0] });
    const other = await typeRequest(hub, { recipient });
    await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
    database
      .prepare(
        `UPDATE requests SET (state, decision, decision_sha256, outcome, decided_at_ms,
           decision_index, release_index, nonce, nonce_spent_at_ms) =
         (SELECT state, decision, decision_sha256, outcome, decided_at_ms, decision_index,
           release_index, nonce, nonce_spent_at_ms FROM requests WHERE id = ?) WHERE id = ?`,
      )
      .run(approved.record.request, other.record.request);
    requireOk(await hub.call("GET", statusPath(approved)));
    expect((await hub.call("GET", statusPath(other))).statusCode).toBe(404);
    const wider = database
      .prepare<[string], string>("SELECT decision FROM requests WHERE id = ?")
      .pluck()
      .get(approved.record.request);
    const envelope = JSON.parse(wider ?? "") as { payload: string };
    const text = Buffer.from(envelope.payload, "base64").toString();
    envelope.payload = Buffer.from(text.replaceAll(`"segment":0`, `"segment":1`)).toString(
      "base64",
    );
    database
      .prepare("UPDATE requests SET decision = ? WHERE id = ?")
      .run(JSON.stringify(envelope), approved.record.request);
    expect((await hub.call("GET", statusPath(approved))).statusCode).toBe(404);
  });

  test("and no other route hands out a byte of a recording without a session", async () => {
    const windows = payloadWindows(hub);
    const values = { clip: firstClip(hub), name: "000.video.original.age" };
    for (const { method, url } of routesOf(hub.hub.server)) {
      const answer = await hub.call(method, exampleUrl(url, values), { body: {} });
      expect(
        windows.some((window) => answer.rawPayload.includes(window)),
        url,
      ).toBe(false);
    }
  });
});

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((file) => !/doorward\.db-(wal|shm)$/.test(file))
    .toSorted();
}

/** Pieces of every recording's ciphertext: none of them may be in what a stranger is sent. */
function payloadWindows({ hub, clips }: TestHub): Buffer[] {
  return clips.flatMap((clip) =>
    hub.services.clips.files(clip).map((file) => {
      const bytes = readFileSync(hub.services.clips.pathOf(clip, file));
      const { payloadOffset } = requireAgeHeader(bytes);
      return bytes.subarray(payloadOffset, payloadOffset + 32);
    }),
  );
}

describe("in the source", () => {
  const sourceOf = (file: string): string =>
    readFileSync(path.join(projectRoot, "src", file), "utf8");

  test("the writer of bundles takes a VerifiedApproval and has no other way to files", () => {
    const text = sourceOf("consent/bundle.ts");
    expect(text).toContain("approval: VerifiedApproval,");
    const source = ts.createSourceFile("bundle.ts", text, ts.ScriptTarget.ESNext, true);
    const exported = source.statements
      .filter((node) => ts.isFunctionDeclaration(node))
      .filter((node) => node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword))
      .map((node) => node.name?.text);
    // The other one only forgets what was measured of a bundle.
    expect(exported).toEqual(["openBundle", "forgetBundle"]);
  });

  test("an approval is built in one place, its own verify()", () => {
    const sources = readdirSync(path.join(projectRoot, "src"), {
      recursive: true,
      encoding: "utf8",
    }).filter((file) => file.endsWith(".ts"));
    const built = sources.flatMap((file) =>
      [...sourceOf(file).matchAll(/new Verified(?:Approval|Refusal)\(/g)].map(() => file),
    );
    expect(built).toEqual(["protocol/approval.ts", "protocol/approval.ts"]);
    const casts = sources.filter((file) =>
      /as (?:unknown as )?VerifiedApproval\b/.test(sourceOf(file)),
    );
    // What switches the policy off, to show that nothing opens without it; no process of the hub
    // loads it.
    expect(casts).toEqual(["cli/attack/copied-consent.ts"]);
  });

  test("only two routes of the hub read a recording's file: the owner's, and the release", () => {
    const readers = readdirSync(path.join(projectRoot, "src/http"))
      .filter((file) => /createReadStream|readFile|openBundle\(/.test(sourceOf(`http/${file}`)))
      .toSorted();
    expect(readers).toEqual(["clip-routes.ts", "pick-up-routes.ts"]);
  });
});
