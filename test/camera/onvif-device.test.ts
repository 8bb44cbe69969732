import { expect, test } from "vitest";
import { PullPoint, readEventProperties } from "../../src/camera/onvif/events.ts";
import { parseXml } from "../../src/camera/onvif/xml.ts";
import { OnvifDevice } from "../../src/camera/onvif/device.ts";
import { FakeOnvifDevice, type FakeDeviceOptions } from "../support/onvif-device.ts";

const admin = { username: "admin", password: "secret", allowBasic: false };
const open = (device: FakeOnvifDevice, password = "secret"): Promise<OnvifDevice> =>
  OnvifDevice.open({ address: device.url, credentials: { ...admin, password } });

test.each<FakeDeviceOptions & { readonly way: string }>([
  { way: "with a token", login: "token" },
  { way: "with an MD5 digest", login: "digest" },
  { way: "with a SHA-256 digest", login: "digest", digestAlgorithm: "SHA-256" },
  { way: "with either", login: "either" },
  { way: "without a login", login: "none" },
  { way: "with a digest, also for its services", login: "digest", hasOpenServices: false },
  { way: "with a token, also for its services", login: "token", hasOpenServices: false },
  { way: "with a clock eleven years ahead", clockOffsetMs: 11 * 365 * 86_400_000 },
  { way: "with a clock of 1970", clockOffsetMs: -Date.now() + 60_000 },
  { way: "of a device without GetServices", hasServices: false },
])("talks $way", async (options) => {
  await using fake = await FakeOnvifDevice.start(options);
  const device = await open(fake);
  expect(device.urlOf("events")).toBe(`${fake.base}/onvif/events`);
  const point = await PullPoint.create(device, 60_000);
  fake.push({
    topic: "tns1:RuleEngine/MyRuleDetector/Visitor",
    operation: "Changed",
    source: { Source: "000" },
    data: { State: "true" },
  });
  const [message] = await point.pull({ timeoutMs: 5_000, messageLimit: 10 });
  expect(message).toMatchObject({
    topic: "RuleEngine/MyRuleDetector/Visitor",
    operation: "Changed",
    source: new Map([["Source", "000"]]),
    data: new Map([["State", "true"]]),
  });
  await point.renew(30_000);
  expect(point.lapsesInMs).toBe(30_000);
  await point.unsubscribe();
  expect(fake.subscriptions.size).toBe(0);
  expect((await readEventProperties(device)).topics).toContainEqual({
    topic: "RuleEngine/MyRuleDetector/Visitor",
    source: ["Source"],
    data: ["State"],
  });
});

test("says that the password is wrong, and does not try it a third time", async () => {
  await using fake = await FakeOnvifDevice.start({ login: "either" });
  const device = await open(fake, "wrong");
  await expect(PullPoint.create(device, 60_000)).rejects.toMatchObject({ code: "WRONG_PASSWORD" });
  fake.calls.splice(
    0,
    fake.calls.findIndex(({ path }) => path === "/onvif/events"),
  );
  expect(fake.calls.filter(({ login }) => login !== "none").length).toBeLessThanOrEqual(2);
});

test("repeats what a subscription wants repeated, and asks for nothing at the address it names", async () => {
  await using fake = await FakeOnvifDevice.start({
    announcedBase: "http://192.0.2.99:8899",
    referenceParameters: `<a:SubscriptionId xmlns:a="http://www.axis.com/2009/event">12 &amp; 3</a:SubscriptionId>`,
  });
  const device = await open(fake);
  expect(device.otherHosts).toEqual(["192.0.2.99"]);
  const point = await PullPoint.create(device, 60_000);
  await point.renew(60_000);
  expect(fake.calls.at(-1)?.body).toContain(
    `<SubscriptionId xmlns="http://www.axis.com/2009/event" a:IsReferenceParameter="true">12 &#38; 3</SubscriptionId>`,
  );
});

test("reads the same text and values wherever in a message they stand", () => {
  // Of two units of UTF-16 each: what is read in pieces could cut them.
  const doors = "🚪".repeat(3_000);
  for (const space of ["", " "]) {
    const message = `${space}<a b="1 > 0 ${doors}">${doors}&lt;<![CDATA[>${doors}]]></a>`;
    const { attributes, text } = parseXml(Buffer.from(`<r>${message}</r>`)).children[0] ?? {};
    expect(attributes?.get("b")).toBe(`1 > 0 ${doors}`);
    expect(text).toBe(`${doors}<>${doors}`);
  }
});
