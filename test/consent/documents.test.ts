import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import {
  announceDocument,
  DOCUMENT_WAIT_MS,
  DOCUMENTS_TOTAL_BYTES,
  RequestDocuments,
} from "../../src/consent/documents.ts";
import { RequestStore } from "../../src/consent/requests.ts";
import { sha256Hex, utf8Bytes } from "../../src/protocol/bytes.ts";
import type { RequestId } from "../../src/protocol/ids.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import { readRequestDocument } from "../../src/owner/requests.ts";
import { requestDocument } from "../support/test-consent.ts";
import { NOW_MS } from "../support/test-household.ts";
import { temporaryFolder } from "../support/temporary.ts";

const SEALED = utf8Bytes("a document, sealed");
const GONE = expect.objectContaining({ code: "DOCUMENT_GONE" });

function openDocuments() {
  const folder = temporaryFolder();
  const database = openDatabase(path.join(folder.path, "doorward.db"));
  const clock = { nowMs: NOW_MS };
  const nowMs = () => clock.nowMs;
  const directory = path.join(folder.path, "documents");
  const requests = new RequestStore({
    ...{ database, nowMs, countedMs: () => 0, isClockBelieved: () => true },
    appendEntry: () => 0,
  });
  const { asked } = readRequestDocument(requestDocument());
  const newRequest = (personal = SEALED): RequestId =>
    requests.receiveTyped({ asked, personal, channel: "typed_by_owner" }).id;
  const announce = (request: RequestId, sealed: Uint8Array, sizeBytes = sealed.length): void =>
    announceDocument(database, request, { sha256: sha256Hex(sealed), sizeBytes }, clock.nowMs);
  return {
    ...{ database, directory, clock, newRequest, announce },
    documents: new RequestDocuments({ database, directory, nowMs }),
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("a document is taken once, byte for byte as its request announced it", async () => {
  await using own = openDocuments();
  const { documents, directory } = own;
  const [request, other] = [own.newRequest(), own.newRequest()];
  const longer = utf8Bytes("longer than announced");
  own.announce(request, SEALED);
  own.announce(other, longer, longer.length - 1);
  await expect(documents.receive(request, utf8Bytes("another"))).rejects.toEqual(GONE);
  await expect(documents.receive(other, longer)).rejects.toEqual(GONE);
  const neighbour = own.newRequest();
  own.announce(neighbour, utf8Bytes("b document, sealed"));
  await expect(documents.receive(neighbour, SEALED)).rejects.toEqual(GONE);
  expect(existsSync(directory)).toBe(false);
  await expect(documents.read(request)).rejects.toMatchObject({ code: "NOT_FOUND" });
  const both = await Promise.allSettled([
    documents.receive(request, SEALED),
    documents.receive(request, SEALED),
  ]);
  expect(both).toEqual([
    { status: "fulfilled", value: undefined },
    { status: "rejected", reason: GONE },
  ]);
  await expect(documents.receive(request, SEALED)).rejects.toEqual(GONE);
  expect(await documents.read(request)).toEqual(Buffer.from(SEALED));
  expect(documents.of(request)).toMatchObject({ sizeBytes: SEALED.length, receivedAtMs: NOW_MS });
  writeFileSync(path.join(directory, `${request}.age`), "altered");
  await expect(documents.read(request)).rejects.toMatchObject({ code: "FILE_DAMAGED" });
});

test("a document is waited for a day, and not once it was removed", async () => {
  await using own = openDocuments();
  const { documents, clock } = own;
  const request = own.newRequest();
  own.announce(request, SEALED);
  clock.nowMs += DOCUMENT_WAIT_MS;
  expect(documents.waitingFor(sha256Hex(SEALED))).toBeNull();
  clock.nowMs -= 1;
  expect(documents.waitingFor(sha256Hex(SEALED))).toBe(request);
  await expect(documents.remove(request)).rejects.toMatchObject({ code: "NOT_FOUND" });
  await documents.receive(request, SEALED);
  await documents.remove(request);
  await expect(documents.receive(request, SEALED)).rejects.toEqual(GONE);
  await expect(documents.read(request)).rejects.toMatchObject({ code: "NOT_FOUND" });
  const again = own.newRequest();
  expect(() => own.announce(again, SEALED)).toThrow(
    expect.objectContaining({ code: "DOCUMENT_KNOWN" }),
  );
});

test("all documents together have 256 MiB, counted as long as one is there or may come", async () => {
  await using own = openDocuments();
  expect(DOCUMENTS_TOTAL_BYTES).toBe(256 * 1024 * 1024);
  const announced = DOCUMENTS_TOTAL_BYTES / LIMITS.documentBytes;
  for (let count = 0; count < announced; count += 1)
    own.announce(own.newRequest(), utf8Bytes(`document ${count}`), LIMITS.documentBytes);
  const more = own.newRequest();
  const full = expect.objectContaining({ code: "TOO_MANY_DOCUMENTS" });
  expect(() => own.announce(more, utf8Bytes("one more"), 1)).toThrow(full);
  expect(own.documents.isFull()).toBe(true);
  own.clock.nowMs += DOCUMENT_WAIT_MS;
  expect(own.documents.isFull()).toBe(false);
  own.announce(more, utf8Bytes("one more"), 1);
});

test("a start removes what no row knows, and keeps the rest", async () => {
  await using own = openDocuments();
  const { documents, directory } = own;
  const [request, waiting] = [own.newRequest(), own.newRequest()];
  own.announce(request, SEALED);
  own.announce(waiting, utf8Bytes("not yet"));
  await documents.finish();
  await documents.receive(request, SEALED);
  const strays = [`${waiting}.age`, "null.age", `${request}.age.tmp`];
  for (const name of strays) writeFileSync(path.join(directory, name), "x");
  await documents.finish();
  expect(strays.filter((name) => existsSync(path.join(directory, name)))).toEqual([]);
  expect(await documents.read(request)).toEqual(Buffer.from(SEALED));
});
