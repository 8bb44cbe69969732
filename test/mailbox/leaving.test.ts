import { expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary.ts";
import { typeRequest } from "../support/test-consent.ts";
import { startTestHub } from "../support/test-hub.ts";
import { turn, writeSecrets } from "../support/test-mailbox.ts";
import { startWebDav, type WebDavServer } from "../support/webdav-server.ts";

test("a hub whose settings name another mailbox, or none, takes away what it had put there", async () => {
  await using folder = temporaryFolder();
  await using first = await startWebDav();
  await using other = await startWebDav();
  writeSecrets(folder.path, first.user, first.password);
  const common = { nowMs: "system", dataDirectory: folder.path } as const;
  const at = ({ url }: WebDavServer) => ({
    mailbox: { kind: "webdav" as const, url, spaceBytes: 24_000_000 },
  });
  const { bundle } = await (async () => {
    await using hub = await startTestHub({ ...common, settings: at(first) });
    await typeRequest(hub);
    await turn(hub);
    expect(first.files.size).toBeGreaterThan(0);
    return hub.owner;
  })();
  {
    // Started anew it knows no login of the other server, and gives it none of another's.
    first.log.length = 0;
    await using hub = await startTestHub({ ...common, owner: bundle, settings: at(other) });
    await turn(hub);
    expect(first.log).toEqual([]);
    expect(other.files.size).toBeGreaterThan(0);
    expect(hub.log.join("\n")).toContain(new URL(first.url).host);
  }
  await using hub = await startTestHub({ ...common, owner: bundle });
  await turn(hub);
  expect(other.files.size).toBe(0);
  other.log.length = 0;
  await turn(hub);
  expect(other.log).toEqual([]);
});
