import { expect, test } from "vitest";
import { discover, readAnswer, DISCOVERY_MESSAGE_ID } from "../../src/camera/onvif/discovery.ts";
import type { FindCamerasAnswer } from "../../src/protocol/api-cameras.ts";
import { FakeDiscovery, honestMatch, type DiscoveryAnswer } from "../support/onvif-discovery.ts";

// Whoever is asked is 127.0.0.1 here; every other address it names is somebody else's.

const HERE = { address: "127.0.0.1", netmask: "255.0.0.0" };
const SERVICE = "http://127.0.0.1:8000/onvif/device_service";

async function ask(answer: DiscoveryAnswer): Promise<FindCamerasAnswer> {
  await using fake = await FakeDiscovery.start("127.0.0.1", answer);
  const found = await discover({
    waitMs: 300,
    from: [HERE],
    target: { host: "127.0.0.1", port: fake.port },
  });
  // Asked twice, since datagrams get lost; answered twice, it is one camera all the same.
  expect(fake.questions).toHaveLength(2);
  expect(fake.questions[0]).toContain("dn:NetworkVideoTransmitter");
  return found;
}

test("a camera that answers is found, with its name and without its place", async () => {
  const found = await ask((id) => [honestMatch(id, ["http://[fe80::1]/x", SERVICE])]);
  expect(found).toEqual({
    cameras: [{ onvif: SERVICE, host: "127.0.0.1", name: "Front bell", hardware: "Bell-3" }],
    refused: 0,
    searchedFrom: ["127.0.0.1"],
  });
  expect(JSON.stringify(found)).not.toMatch(/rue|france|location/i);
});

const LIES: readonly (readonly [string, DiscoveryAnswer])[] = [
  ["names another host", (id) => [honestMatch(id, ["http://192.0.2.99/onvif/device_service"])]],
  [
    "names a host that only begins like its own",
    (id) => [honestMatch(id, ["http://127.0.0.1.evil.example/"])],
  ],
  ["names its host as a user", (id) => [honestMatch(id, ["http://127.0.0.1@evil.example/"])]],
  ["carries a password", (id) => [honestMatch(id, ["http://a:b@127.0.0.1/"])]],
  ["names a file", (id) => [honestMatch(id, ["file://127.0.0.1/etc/passwd"])]],
  ["names nothing", (id) => [honestMatch(id, [])]],
  [
    "answers another question",
    () => [honestMatch("urn:uuid:00000000-0000-4000-8000-000000000000", [SERVICE])],
  ],
  ["has entities", (id) => [`<!DOCTYPE x [<!ENTITY e "x">]>${honestMatch(id, [SERVICE])}`]],
  ["is nested 100 deep", () => ["<a>".repeat(100) + "</a>".repeat(100)]],
  ["is 60 KiB long", (id) => [honestMatch(id, [SERVICE]) + " ".repeat(60_000)]],
  ["is no XML", () => [new Uint8Array([0, 1, 2, 3])]],
  ["is empty", () => [""]],
];
test.each(LIES)("an answer that %s is left out, and counted", async (_name, answer) => {
  expect(await ask(answer)).toMatchObject({ cameras: [], refused: 1 });
});

test("an answer from another network is left out", () => {
  const place = { address: "192.0.2.2", netmask: "255.255.255.0" };
  const match = (host: string) =>
    Buffer.from(honestMatch(DISCOVERY_MESSAGE_ID, [`http://${host}/onvif/device_service`]));
  expect(readAnswer(match("192.0.2.77"), { address: "192.0.2.77" }, place).host).toBe("192.0.2.77");
  expect(() => readAnswer(match("198.51.100.7"), { address: "198.51.100.7" }, place)).toThrow(
    /another network/,
  );
});

test("names are one plain line, whatever a camera writes", async () => {
  const { cameras } = await ask((id) => [
    honestMatch(
      id,
      [SERVICE],
      [
        "onvif://www.onvif.org/name/%3Cimg%20src=x%20onerror=alert(1)%3E%0A%E2%80%AE%1B[31m",
        `onvif://www.onvif.org/hardware/${"x".repeat(200)}`,
      ],
    ),
  ]);
  expect(cameras[0]?.name).toBe("<img src=x onerror=alert(1)> [31m");
  expect(cameras[0]?.hardware).toHaveLength(80);
});

test("a thousand answers are no more than their sender", async () => {
  const { cameras } = await ask((id) =>
    Array.from({ length: 1_000 }, (_, n) => honestMatch(id, [`http://127.0.0.1:${n + 1}/`])),
  );
  expect(cameras).toHaveLength(1);
});
