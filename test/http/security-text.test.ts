import { expect, test } from "vitest";
import { readSettingsFrom } from "../../src/settings/settings.ts";
import { startTestHub } from "../support/test-hub.ts";

const PATH = "/.well-known/security.txt";
const CONTACT = "mailto:holes@example.org";

async function readWithContact(contact: string): Promise<string | undefined> {
  const settings = readSettingsFrom({
    file: "doorward.yaml",
    text: `security:\n  contact: ${JSON.stringify(contact)}\n`,
    secrets: new Map(),
    environment: {},
    facesUnsaid: "keep",
  });
  return settings.securityContact;
}

test("whoever finds a hole is told whom to tell, on both listeners, before it runs out", async () => {
  await using hub = await startTestHub({ outside: true, settings: { securityContact: CONTACT } });
  for (const url of [hub.hub.url, hub.hub.outsideUrl ?? ""]) {
    const answer = await fetch(`${url}${PATH}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    const [contact, expires, languages, end] = (await answer.text()).split("\n");
    expect(contact).toBe(`Contact: ${CONTACT}`);
    expect(languages).toBe("Preferred-Languages: en, fr");
    expect(end).toBe("");
    // RFC 9116: a time of RFC 3339, in the future, and less than a year away.
    const at = /^Expires: (\d{4}-\d\d-\d\dT00:00:00Z)$/.exec(expires ?? "")?.[1] ?? "";
    const daysAway = (Date.parse(at) - hub.hub.services.nowMs()) / 86_400_000;
    expect(daysAway).toBeGreaterThan(30);
    expect(daysAway).toBeLessThan(365);
  }
});

test("where nobody is named, it is a path like any other that is not there", async () => {
  await using hub = await startTestHub({ outside: true });
  for (const url of [hub.hub.url, hub.hub.outsideUrl ?? ""]) {
    const [named, none] = await Promise.all(
      [PATH, "/.well-known/nothing.txt"].map(async (path) => {
        const answer = await fetch(`${url}${path}`);
        return { status: answer.status, body: await answer.text() };
      }),
    );
    expect(named).toEqual(none);
    expect(named?.status).toBe(404);
  }
});

test.for([
  ["mailto:holes@example.org", true],
  ["https://example.org/security", true],
  ["holes@example.org", false],
  ["http://example.org/security", false],
  ["mailto:holes@example.org\nContact: mailto:other@example.org", false],
  ["mailto:a b@example.org", false],
  ["https://", false],
])("%j as a contact: %s", async ([contact, isTaken]) => {
  const read = readWithContact(String(contact));
  if (isTaken === true) expect(await read).toBe(contact);
  else await expect(read).rejects.toThrow(/^doorward\.yaml:2: .*expected an address as mailto:/);
});
