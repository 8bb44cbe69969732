import { describe, expect, test } from "vitest";
import { HubNotices } from "../../src/hub/notices.ts";
import { openDatabase } from "../../src/base/database.ts";
import { Connections } from "../../src/http/connections.ts";
import { NoticeStore } from "../../src/notify/notice-store.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { readNotifySecrets } from "../../src/settings/notify.ts";
import { readSettingsFrom } from "../../src/settings/settings.ts";

function read(text: string) {
  const parts = { file: "doorward.yaml", secrets: new Map(), environment: {} } as const;
  return readSettingsFrom({ ...parts, text, facesUnsaid: "keep" }).notify;
}

describe("notify in the settings", () => {
  test("names a server and hosts", () => {
    expect(read("name: Home\n")).toBeUndefined();
    expect(
      read(
        'notify:\n  ntfy: { url: "https://ntfy.example/sub/" }\n  services: [push.example.org, "up.example:8443"]\n',
      ),
    ).toEqual({
      ntfy: { url: "https://ntfy.example/sub" },
      services: ["push.example.org", "up.example:8443"],
    });
    expect(read("notify: { ntfy: { url: http://192.168.1.5:2586 } }\n")?.ntfy?.url).toBe(
      "http://192.168.1.5:2586",
    );
  });

  test.each([
    ["http://ntfy.example", /own network/],
    ["http://10.example.com", /own network/],
    ["http://192.168.example.com", /own network/],
    ["https://me:word@ntfy.example", /secrets\/notify\.yaml/],
    ["https://ntfy.example/?a=b", /expected an address/],
    ["ftp://ntfy.example", /expected an address/],
  ])("refuses %s, with line and reason", (url, why) => {
    expect(() => read(`name: Home\nnotify: { ntfy: { url: "${url}" } }\n`)).toThrow(why);
  });

  test.each(["https://push.example.org", "push.example.org/path", "*.example.org", "Push.example"])(
    "refuses %s as a host",
    (host) => {
      expect(() => read(`notify: { services: ["${host}"] }\n`)).toThrow(/a host as/);
    },
  );

  test("the token is read from its own file, and nothing else is in it", () => {
    expect(readNotifySecrets("s", null)).toEqual({ ntfyToken: null });
    expect(readNotifySecrets("s", 'ntfy: { token: "tk_abc" }\n')).toEqual({ ntfyToken: "tk_abc" });
    expect(() => readNotifySecrets("s", "token: x\n")).toThrow(/no setting of this name/);
  });
});

test("notices of a camera go with it, as soon as it is not configured any more", async () => {
  await using database = openDatabase(":memory:");
  const store = new NoticeStore(database, () => 1_000_000);
  const [front, garden] = [parseCameraId("front"), parseCameraId("garden")];
  const notices = [front, garden, null].map((camera) => store.make({ kind: "bell", camera }));
  for (const notice of notices) store.keep(notice);
  let cameras = [front, garden];
  const log: string[] = [];
  const desk = new HubNotices({
    ...{ database, nowMs: () => 1_000_000, upMs: () => 0, boot: "one", timeZone: "UTC" },
    settings: {
      get current() {
        return { cameras: cameras.map((id) => ({ id, name: id })) as never };
      },
    },
    secrets: { ntfyToken: null },
    household: { keyring: null },
    connections: new Connections(database, () => 1_000_000),
    origin: () => "https://doorward.local:8443",
    log: (_level, message) => log.push(message),
  });
  cameras = [garden];
  desk.configure();
  expect(notices.map(({ id }) => store.get(id)?.camera)).toEqual([undefined, garden, null]);
  expect(log).toEqual([]);
  // As when the disk takes nothing more: what has happened has happened.
  database.exec("DROP TABLE notices");
  desk.configure();
  expect(log).toEqual([expect.stringMatching(/notice not made/)]);
  await desk[Symbol.asyncDispose]();
});
