import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOutsideServer } from "../../src/http/outside.ts";
import { readHandling } from "../../src/owner/handling.ts";
import { ownersIdentities, readRequestDocument, sealPersonal } from "../../src/owner/requests.ts";
import { openAttachment, sealAttachment } from "../../src/owner/request-attachment.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { utf8Bytes } from "../../src/protocol/bytes.ts";
import { ASSURANCE_LEVELS, PRESERVATION_MAX_MS } from "../../src/protocol/handling.ts";
import { parseRequestId } from "../../src/protocol/ids.ts";
import { requestDocument, refuse, typeRequest } from "../support/test-consent.ts";
import {
  assurance,
  handled,
  handlingOf,
  keyringOf,
  preservation,
  sendStatement,
} from "../support/test-handling.ts";
import { newReaders } from "../support/test-household.ts";
import { firstClip, requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";

const DAY_MS = 24 * 3_600_000;

let hub: TestHub;
beforeAll(async () => {
  hub = await startTestHub({ clips: 2 });
});
afterAll(() => hub[Symbol.asyncDispose]());

const idOf = (request: RequestSummary): string => request.record.request;
const read = (request: RequestSummary) => handled(hub, request);
const send = (request: RequestSummary, what: "assurance" | "hold", statement: unknown) =>
  sendStatement(hub, request, what, statement);
const codeOf = async (answer: Promise<{ json: () => { code: string } }>) =>
  (await answer).json().code;

describe("how sure an owner is of who asks", () => {
  test.each(ASSURANCE_LEVELS)(
    "%s is signed, entered and shown, and changes no state",
    async (level) => {
      const request = await typeRequest(hub);
      requireOk(await send(request, "assurance", await assurance(hub, request, level)));
      const { assurances } = await read(request);
      expect(assurances.map((each) => [each.level, each.device])).toEqual([
        [level, hub.owner.key.device],
      ]);
      const entry = hub.hub.services.ledger.entries({ kind: "assurance" }).at(-1)?.entry;
      expect(Object.keys(entry ?? {}).toSorted()).toEqual(
        ["atMs", "device", "kind", "level", "request", "statementSha256", "v"].toSorted(),
      );
      const after = hub.hub.services.requests.get(parseRequestId(idOf(request)));
      expect([after?.state, after?.record]).toEqual(["received", request.record]);
    },
  );

  test("can be stated anew, in a row in which none is left out, repeated or taken from elsewhere", async () => {
    const [request, other] = [await typeRequest(hub), await typeRequest(hub)];
    const first = await assurance(hub, request, "called_back");
    requireOk(await send(request, "assurance", first));
    expect(await codeOf(send(request, "assurance", first))).toBe("STATEMENT_OLD");
    expect(await codeOf(send(other, "assurance", first))).toBe("STATEMENT_REFUSED");
    requireOk(await send(request, "assurance", await assurance(hub, request, "none")));
    const answer = await handlingOf(hub, request);
    expect(answer.assurances).toHaveLength(2);
    const without = { ...answer, assurances: answer.assurances.slice(1) };
    expect(() => readHandling(without, request, keyringOf(hub))).toThrow(/something else/);
    expect(() => readHandling(answer, other, keyringOf(hub))).toThrow(/something else/);
  });

  test("is an owner's word only: no adult's, none that is altered, too old, or of another type", async () => {
    const request = await typeRequest(hub);
    const adult = await hub.admit("adult");
    const byAdult = await assurance(hub, request, "met", adult);
    expect(await codeOf(send(request, "assurance", byAdult))).toBe("STATEMENT_REFUSED");
    const own = await assurance(hub, request, "met");
    const altered = { ...own, payload: (await assurance(hub, request, "known_key")).payload };
    expect(await codeOf(send(request, "assurance", altered))).toBe("STATEMENT_REFUSED");
    const asHold = { ...own, payloadType: "application/vnd.doorward.hold+json" };
    expect(await codeOf(send(request, "assurance", asHold))).toBe("MALFORMED_INPUT");
    expect(await codeOf(send(request, "hold", own))).toBe("MALFORMED_INPUT");
    hub.clock.nowMs += 16 * 60_000;
    expect(await codeOf(send(request, "assurance", own))).toBe("STATEMENT_OLD");
    expect((await handlingOf(hub, request)).assurances).toEqual([]);
  });

  test("is shown as an owner's also when his device was removed since, and no new one is taken", async () => {
    await using other = await startTestHub();
    const second = await other.admit("owner");
    const request = await typeRequest(other);
    const said = await assurance(other, request, "met", second);
    requireOk(await sendStatement(other, request, "assurance", said));
    const late = await assurance(other, request, "none", second);
    const readers = await newReaders(keyringOf(other));
    await other.change({ kind: "remove", device: second.key.device, readers });
    expect((await handled(other, request)).assurances).toMatchObject([
      { device: second.key.device },
    ]);
    const refused = await sendStatement(other, request, "assurance", late);
    expect(refused.json<{ code: string }>().code).toBe("STATEMENT_REFUSED");
  });

  test("is not taken for a request that was answered", async () => {
    const request = await typeRequest(hub);
    const late = await assurance(hub, request, "met");
    await refuse(hub, request);
    expect(await codeOf(send(request, "assurance", late))).toBe("NOT_OPEN");
  });
});

describe("keeping what a request seeks", () => {
  const held = (clip = firstClip(hub)) => hub.hub.services.retention.marksOf(clip).heldUntilMs;

  test("nobody holds anything by asking: only an owner's signature does", async () => {
    await typeRequest(hub, { kind: "preservation" });
    expect(held()).toBeNull();
    expect(hub.ledgerKinds()).not.toContain("hold");
  });

  test("holds what was named, for as long as was signed, and hands out nothing", async () => {
    const request = await typeRequest(hub, { kind: "preservation" });
    requireOk(await send(request, "hold", await preservation(hub, request, "hold")));
    expect(held()).toBe(hub.clock.nowMs + 30 * DAY_MS);
    const clip = firstClip(hub);
    const answer = await hub.call("DELETE", `/api/clips/${clip}`, { as: hub.owner });
    expect(answer.json<{ code: string }>().code).toBe("CLIP_HELD");
    const entry = hub.hub.services.ledger.entries({ kind: "hold" }).at(-1)?.entry;
    expect(entry).toMatchObject({ v: 2, request: idOf(request), clips: 1 });
    const stored = hub.hub.services.requests.get(parseRequestId(idOf(request)));
    expect([stored?.state, stored?.decision]).toEqual(["held", null]);
    expect((await hub.call("GET", new URL(request.statusUrl).pathname)).statusCode).toBe(404);
    // Letting go of an own hold on the clip does not let go of this one.
    const own = `/api/clips/${clip}/hold`;
    requireOk(
      await hub.call("POST", own, { as: hub.owner, body: { untilMs: hub.clock.nowMs + DAY_MS } }),
    );
    requireOk(await hub.call("POST", own, { as: hub.owner, body: { untilMs: null } }));
    expect(held()).toBe(hub.clock.nowMs + 30 * DAY_MS);
    requireOk(await send(request, "hold", await preservation(hub, request, "end")));
    expect(held()).toBeNull();
  });

  test("is renewed once, while it lasts, and neither longer nor with other recordings", async () => {
    const request = await typeRequest(hub);
    const other = hub.clips[1] ?? "";
    expect(
      await codeOf(
        send(
          request,
          "hold",
          await preservation(hub, request, "hold", { forMs: PRESERVATION_MAX_MS + 1 }),
        ),
      ),
    ).toBe("HOLD_OUT_OF_RANGE");
    expect(
      await codeOf(
        send(
          request,
          "hold",
          await preservation(hub, request, "hold", { clips: ["0".repeat(32)] }),
        ),
      ),
    ).toBe("CLIP_UNKNOWN");
    requireOk(
      await send(
        request,
        "hold",
        await preservation(hub, request, "hold", { forMs: PRESERVATION_MAX_MS }),
      ),
    );
    hub.clock.nowMs += 60 * DAY_MS;
    hub = { ...hub, owner: await hub.logIn(hub.owner.bundle) };
    await expect(preservation(hub, request, "hold")).rejects.toMatchObject({
      code: "PRESERVATION_OVER",
    });
    const renewal = await preservation(hub, request, "renew", { forMs: PRESERVATION_MAX_MS });
    const changed = JSON.parse(Buffer.from(renewal.payload, "base64").toString()) as object;
    const payload = Buffer.from(JSON.stringify({ ...changed, clips: [other] })).toString("base64");
    expect(await codeOf(send(request, "hold", { ...renewal, payload }))).toBe("STATEMENT_REFUSED");
    requireOk(await send(request, "hold", renewal));
    expect(held()).toBe(hub.clock.nowMs + PRESERVATION_MAX_MS);
    await expect(preservation(hub, request, "renew")).rejects.toMatchObject({
      code: "PRESERVATION_OVER",
    });
    requireOk(await send(request, "hold", await preservation(hub, request, "end")));
    await expect(preservation(hub, request, "hold")).rejects.toMatchObject({
      code: "PRESERVATION_OVER",
    });
  });
});

describe("a document that comes with a request", () => {
  const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]);

  async function typedWith(bytes: Uint8Array, name = "order.png") {
    const { asked, personal } = readRequestDocument(requestDocument());
    const { owners } = keyringOf(hub).readers;
    const attached = await sealAttachment(name, bytes, owners);
    const body = {
      asked,
      personal: await sealPersonal(asked, personal, owners, attached.inside),
      document: attached.announced,
    };
    const request: RequestSummary = requireOk(
      await hub.call("POST", "/api/requests", { as: hub.owner, body }),
    ).json();
    return { request, attached };
  }
  const upload = (request: RequestSummary, bytes: Uint8Array) =>
    hub.hub.server.inject({
      method: "POST",
      url: `/api/requests/${idOf(request)}/document`,
      headers: {
        host: "localhost",
        authorization: `Bearer ${hub.owner.token}`,
        "content-type": "application/octet-stream",
      },
      payload: Buffer.from(bytes),
    });
  const fetched = (request: RequestSummary) =>
    hub.call("GET", `/api/requests/${idOf(request)}/document`, { as: hub.owner });

  test("is ciphertext on the hub, opened by owners, and the one that was sealed with the request", async () => {
    const { request, attached } = await typedWith(PNG);
    expect((await handlingOf(hub, request)).document).toMatchObject({ receivedAtMs: null });
    expect((await fetched(request)).statusCode).toBe(404);
    expect((await upload(request, attached.sealed)).statusCode).toBe(204);
    const sealed = new Uint8Array(requireOk(await fetched(request)).rawPayload);
    expect(sealed).toEqual(attached.sealed);
    const owners = ownersIdentities(hub.owner.bundle);
    expect(await openAttachment(attached.inside, sealed, owners)).toEqual(PNG);
    const other = await sealAttachment(
      "order.png",
      new Uint8Array([...PNG, 4]),
      keyringOf(hub).readers.owners,
    );
    await expect(openAttachment(attached.inside, other.sealed, owners)).rejects.toMatchObject({
      code: "DOCUMENT_ALTERED",
    });
    const folder = path.join(hub.dataDirectory, "documents");
    expect(readdirSync(folder)).toContain(`${idOf(request)}.age`);
    for (const file of readdirSync(folder))
      expect(readFileSync(path.join(folder, file)).includes(Buffer.from(PNG))).toBe(false);
  });

  test("comes once, byte for byte as announced, and not again after it was deleted", async () => {
    const { request, attached } = await typedWith(PNG);
    const changed = Uint8Array.from(attached.sealed);
    changed[changed.length - 1]! ^= 1;
    for (const wrong of [changed, attached.sealed.subarray(1), new Uint8Array([1])])
      expect((await upload(request, wrong)).statusCode).toBe(410);
    expect((await upload(request, attached.sealed)).statusCode).toBe(204);
    expect((await upload(request, attached.sealed)).statusCode).toBe(410);
    requireOk(
      await hub.call("DELETE", `/api/requests/${idOf(request)}/document`, { as: hub.owner }),
    );
    expect((await fetched(request)).statusCode).toBe(404);
    expect((await upload(request, attached.sealed)).statusCode).toBe(410);
  });

  test("does not come after a day", async () => {
    const late = await typedWith(PNG);
    hub.clock.nowMs += DAY_MS;
    hub = { ...hub, owner: await hub.logIn(hub.owner.bundle) };
    expect((await upload(late.request, late.attached.sealed)).statusCode).toBe(410);
  });

  test("tells whoever sends it nothing of what became of his request", async () => {
    const [open, refused] = [await typedWith(PNG), await typedWith(PNG)];
    await refuse(hub, refused.request);
    await using outside = await createOutsideServer(hub.hub.services, {
      ...{ version: "test", hostNames: ["localhost"], logLevel: "silent" },
    });
    const send = async ({ attached }: typeof open, type: string, bytes: Uint8Array) => {
      const { statusCode, headers, body } = await outside.inject({
        method: "POST",
        url: `/intake/documents/${attached.announced.sha256}`,
        headers: { host: "localhost", "content-type": type, origin: "null" },
        payload: Buffer.from(bytes),
      });
      const { date: _date, ...same } = headers;
      return JSON.stringify([statusCode, same, body]);
    };
    const tried = async (which: typeof open): Promise<string[]> => [
      await send(which, "application/json", utf8Bytes("{")),
      await send(which, "text/plain", new Uint8Array([1])),
      await send(which, "text/plain", which.attached.sealed),
      await send(which, "text/plain", which.attached.sealed),
    ];
    expect(await tried(refused)).toEqual(await tried(open));
  });

  test("that was changed on the disk is not handed out, and what a stop left is removed", async () => {
    const { request, attached } = await typedWith(PNG);
    requireOk(await upload(request, attached.sealed));
    const folder = path.join(hub.dataDirectory, "documents");
    writeFileSync(path.join(folder, `${idOf(request)}.age`), "changed");
    expect((await fetched(request)).statusCode).toBe(500);
    writeFileSync(path.join(folder, `${"0".repeat(32)}.age`), "left");
    writeFileSync(path.join(folder, `${"1".repeat(32)}.age.partial`), "left");
    await hub.hub.services.documents.finish();
    const left = readdirSync(folder);
    expect(left).toContain(`${idOf(request)}.age`);
    expect(left.filter((name) => /^[01]{32}/.test(name))).toEqual([]);
  });

  test("is a PDF, a picture or plain text by its own bytes, of at most 4 MiB", async () => {
    const { owners } = keyringOf(hub).readers;
    const typeOf = async (bytes: Uint8Array) =>
      (await sealAttachment("x", bytes, owners)).inside.mediaType;
    expect(await typeOf(utf8Bytes("%PDF-1.7 …"))).toBe("application/pdf");
    expect(await typeOf(new Uint8Array([0xff, 0xd8, 0xff, 0xe0]))).toBe("image/jpeg");
    expect(await typeOf(utf8Bytes("Ordonnance du 3 mai\n"))).toBe("text/plain");
    // Markup is plain text here: it is shown as text and never becomes a page.
    expect(await typeOf(utf8Bytes("<!doctype html><script>alert(1)</script>"))).toBe("text/plain");
    for (const wrong of [
      new Uint8Array(0),
      new Uint8Array([0x4d, 0x5a, 0x90, 0]),
      utf8Bytes("a\u0000b"),
      new Uint8Array(4 * 1024 * 1024 + 1).fill(0x20),
    ])
      await expect(typeOf(wrong)).rejects.toMatchObject({ field: "document" });
    const { inside } = await sealAttachment("../..\\a\u202eb\nc.pdf", utf8Bytes("x"), owners);
    expect(inside.name).toBe("a b c.pdf");
  });
});
