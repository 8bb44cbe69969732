import { expect, test } from "vitest";
import { requirePlace } from "../../src/protocol/mailbox-carriers.ts";
import { startNtfyTopic } from "../support/ntfy-topic.ts";
import { typeRequest } from "../support/test-consent.ts";
import { awayDevice, refuse, startMailboxHub, stateOf, turn } from "../support/test-mailbox.ts";
import { startWebDav } from "../support/webdav-server.ts";

test("through a topic: out and back, past whatever else is said there, the login to nobody else", async () => {
  await using ntfy = await startNtfyTopic();
  await using elsewhere = await startWebDav();
  const login = { user: "door", password: "a long password" };
  await using hub = await startMailboxHub({ kind: "ntfy", url: ntfy.url, ...login });
  const { request } = (await typeRequest(hub)).record;
  await turn(hub);
  const away = awayDevice(hub.owner);
  await away.atHome(hub);
  const item = (await away.store.read())?.item ?? "";
  // Whoever may write to the topic says that the newest of this name is somewhere else.
  const attachment = { name: item, url: `${elsewhere.url}/${item}` };
  ntfy.lines.push("{", "", '{"event":"message"}', '{"__proto__":1}');
  ntfy.lines.push(JSON.stringify({ attachment }));
  await refuse(away, request);
  await turn(hub);
  expect(stateOf(hub, request)).toBe("refused");
  expect(elsewhere.log).toEqual([]);
  const sent = `Basic ${Buffer.from("door:a long password").toString("base64")}`;
  expect(new Set(ntfy.logins)).toEqual(new Set([sent]));
  // Under the device's own name, but anybody's bytes: seen, and no harm.
  const [, first = ""] = [...ntfy.files.keys()];
  const origin = new URL(ntfy.url).origin;
  ntfy.lines.push(JSON.stringify({ attachment: { name: item, url: `${origin}/file/${first}` } }));
  ntfy.files.set(first, new Uint8Array(70_000));
  await expect(away.look()).rejects.toMatchObject({ code: "MAILBOX_ALTERED" });
});

test("a server without attachments is said to be one", async () => {
  await using ntfy = await startNtfyTopic({ attachments: false });
  await using hub = await startMailboxHub({ kind: "ntfy", url: ntfy.url });
  await turn(hub);
  const { trouble } = hub.hub.services.mailbox.answerFor(hub.owner.key.device);
  expect(trouble).toContain("takes no attachments");
});

test.each([
  ["http://files.example.org/dav/door", false],
  ["https://user:pass@files.example.org/dav", false],
  ["https://files.example.org", false],
  ["https://files.example.org/dav?token=1", false],
  ["ftp://files.example.org/dav", false],
  ["http://10.example.org/dav", false],
  ["http://[fc]/dav", false],
  ["https://files.example.org/dav/door", true],
  ["http://192.168.1.4/dav", true],
  ["http://nas.local:5005/dav", true],
])("%s as a mailbox: %s", (url, isGood) => {
  if (isGood) expect(requirePlace(url).href).toBe(url);
  else expect(() => requirePlace(url)).toThrow("Cannot use mailbox");
});
