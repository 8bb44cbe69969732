import { describe, expect, test } from "vitest";
import { formDataElement, isForThisMachineAlone, readForm } from "../../src/owner/form.ts";
import { generateReader } from "../../src/owner/identity.ts";
import {
  fillForm,
  openPersonal,
  readRequestDocument,
  readSealedRequest,
  sealPersonal,
  type Form,
} from "../../src/owner/requests.ts";
import { requestDocument } from "../support/test-consent.ts";

const [owners, stranger] = await Promise.all([generateReader("pq"), generateReader("pq")]);
const form: Form = {
  format: "doorward-form/v1",
  token: "a".repeat(64),
  owners: owners.recipient,
  expiresAtMs: 1,
  intakeUrl: null,
  statusUrl: "http://localhost:8080/status/x",
};

describe("a filled-in form", () => {
  test("is read by its owners and by nobody else", async () => {
    const request = await fillForm(form, requestDocument());
    const personal = await openPersonal(request.asked, request.personal, owners.identity);
    expect(personal.requester.name).toBe("A. Requester");
    await expect(
      openPersonal(request.asked, request.personal, stranger.identity),
    ).rejects.toMatchObject({ code: "NO_READER" });
    expect(JSON.stringify(request)).not.toMatch(/Requester|parcel|0042/);
    expect(Buffer.from(request.personal, "base64").toString("latin1")).not.toMatch(/Requester/);
  });

  test("shows when its two parts were put together from two requests", async () => {
    const mine = await fillForm(form, requestDocument());
    const other = await fillForm(form, requestDocument({ kind: "search_warrant" }));
    await expect(openPersonal(mine.asked, other.personal, owners.identity)).rejects.toMatchObject({
      code: "MALFORMED_INPUT",
    });
  });

  test("above 64 KiB is refused, naming what is too long", async () => {
    const narrative = "\u{1f6aa}".repeat(4_000);
    const asked = requestDocument({ narrative });
    // 8,000 UTF-16 units are within the field's limit, and 16 kB of UTF-8 within the whole.
    await expect(fillForm(form, asked)).resolves.toBeTruthy();
    const tooLong = requestDocument({ narrative: "x".repeat(8_001) });
    await expect(fillForm(form, tooLong)).rejects.toMatchObject({ field: "narrative" });
  });

  test("is refused with a changed shape when it comes back", async () => {
    const request = await fillForm(form, requestDocument());
    expect(readSealedRequest(structuredClone(request))).toEqual(request);
    for (const wrong of [{ ...request, urgency: "emergency" }, { ...request, asked: {} }, null, []])
      expect(() => readSealedRequest(wrong)).toThrow(/Cannot read request/);
  });
});

describe("an address that a form tells", () => {
  test("is for the hub's own machine alone, or for others too", () => {
    const own = [
      "http://localhost:8080/x",
      "http://127.0.0.1/x",
      "http://127.9.1.2:1/",
      "http://[::1]:8080/",
    ];
    for (const url of own) expect(isForThisMachineAlone(url), url).toBe(true);
    const others = [
      "https://door.example.org/x",
      "http://192.168.1.5:8443/",
      "http://127.0.0.1.example.org/",
    ];
    for (const url of [...others, "localhost"]) expect(isForThisMachineAlone(url), url).toBe(false);
  });
});

describe("what a form page carries", () => {
  test("is read back, whatever it holds", () => {
    const hostile = { ...form, statusUrl: `http://x/</script><script>alert(1)</script>&"'` };
    const element = formDataElement(hostile);
    expect(readForm(`<html>${element}</html>`)).toEqual(hostile);
    expect(element.slice(0, -"</script>".length)).not.toContain("</script>");
  });

  test("is refused from any other page", () => {
    expect(() => readForm("<html></html>")).toThrow(/not a request form/);
    const element = formDataElement(form).replace("doorward-form/v1", "doorward-form/v2");
    expect(() => readForm(element)).toThrow(/Cannot read form/);
  });
});

test("what is sealed to the owners is bound to what the hub reads, also when typed by an owner", async () => {
  const { asked, personal } = readRequestDocument(requestDocument());
  const sealed = await sealPersonal(asked, personal, owners.recipient);
  expect(await openPersonal(asked, sealed, owners.identity)).toEqual(personal);
  const louder = { ...asked, urgency: "emergency" as const };
  await expect(openPersonal(louder, sealed, owners.identity)).rejects.toThrow(/do not belong/);
});
