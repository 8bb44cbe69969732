import onvif from "onvif";
import { expect, test } from "vitest";
import { OnvifDevice } from "../../src/camera/onvif/device.ts";
import { putMasksInCamera } from "../../src/camera/onvif/masks.ts";
import { PullPoint, readEventProperties } from "../../src/camera/onvif/events.ts";
import { probeDevice } from "../../src/camera/onvif/probe.ts";
import { NAMESPACES } from "../../src/camera/onvif/soap.ts";
import { parseXml, type XmlElement } from "../../src/camera/onvif/xml.ts";
import type { Polygon } from "../../src/protocol/picture-areas.ts";
import { FakeMasks } from "../support/onvif-masks.ts";
import { FakeOnvifDevice } from "../support/onvif-device.ts";
import * as messages from "../support/onvif-messages.ts";

/*
 * The fake device of these tests, and what the hub asks, are held to the published schemas
 * (github.com/onvif/specs, wsdl/ver10/{device,media,events}, wsdl/ver20/media, ver10/schema/onvif.xsd,
 * version 25.12; docs.oasis-open.org/wsn/b-2.xsd; www.w3.org/2005/08/addressing; WS-Discovery 2005/04)
 * and to a client that is not ours.
 */

const PREFIX: Readonly<Record<string, string>> = {
  [NAMESPACES.soap]: "s",
  [NAMESPACES.addressing]: "wsa",
  [NAMESPACES.security]: "wsse",
  [NAMESPACES.utility]: "wsu",
  [NAMESPACES.schema]: "tt",
  [NAMESPACES.device]: "tds",
  [NAMESPACES.media]: "trt",
  [NAMESPACES.media2]: "tr2",
  [NAMESPACES.events]: "tev",
  [NAMESPACES.notification]: "wsnt",
  "http://docs.oasis-open.org/wsn/t-1": "wstop",
  "http://schemas.xmlsoap.org/ws/2004/08/addressing": "a04",
  "http://schemas.xmlsoap.org/ws/2005/04/discovery": "d",
};

/**
 * Sequences: children in their order, `?` at most once, `*` any number, `+` at least once; `@` is a
 * required attribute. An element without a line here is a leaf, or open to anything.
 */
const RULES: Readonly<Record<string, string>> = {
  "s:Envelope": "s:Header? s:Body",
  "s:Fault": "s:Code s:Reason s:Node? s:Role? s:Detail?",
  "s:Code": "s:Value s:Subcode?",
  "s:Subcode": "s:Value s:Subcode?",
  "s:Reason": "s:Text+",
  "s:Text": "@lang",
  "wsse:Security": "wsse:UsernameToken",
  "wsse:UsernameToken": "wsse:Username wsse:Password wsse:Nonce wsu:Created",
  "wsse:Password": "@Type",
  "wsse:Nonce": "@EncodingType",
  // devicemgmt.wsdl
  "tds:GetSystemDateAndTimeResponse": "tds:SystemDateAndTime",
  "tds:SystemDateAndTime":
    "tt:DateTimeType tt:DaylightSavings tt:TimeZone? tt:UTCDateTime? tt:LocalDateTime? tt:Extension?",
  "tt:UTCDateTime": "tt:Time tt:Date",
  "tt:Time": "tt:Hour tt:Minute tt:Second",
  "tt:Date": "tt:Year tt:Month tt:Day",
  "tds:GetServices": "tds:IncludeCapability",
  "tds:GetServicesResponse": "tds:Service+",
  "tds:Service": "tds:Namespace tds:XAddr tds:Capabilities? tds:Version",
  "tds:Version": "tt:Major tt:Minor",
  "tds:GetCapabilities": "tds:Category*",
  "tds:GetCapabilitiesResponse": "tds:Capabilities",
  "tds:Capabilities":
    "tt:Analytics? tt:Device? tt:Events? tt:Imaging? tt:Media? tt:PTZ? tt:Extension?",
  "tt:Events":
    "tt:XAddr tt:WSSubscriptionPolicySupport tt:WSPullPointSupport tt:WSPausableSubscriptionManagerInterfaceSupport",
  "tt:Media": "tt:XAddr tt:StreamingCapabilities tt:Extension?",
  "tds:GetDeviceInformationResponse":
    "tds:Manufacturer tds:Model tds:FirmwareVersion tds:SerialNumber tds:HardwareId",
  // media.wsdl, onvif.xsd
  "trt:GetProfiles": "",
  "trt:GetProfilesResponse": "trt:Profiles*",
  "trt:Profiles":
    "@token tt:Name tt:VideoSourceConfiguration? tt:AudioSourceConfiguration? tt:VideoEncoderConfiguration? tt:AudioEncoderConfiguration? tt:VideoAnalyticsConfiguration? tt:PTZConfiguration? tt:MetadataConfiguration? tt:Extension?",
  "tt:VideoSourceConfiguration":
    "@token tt:Name tt:UseCount tt:SourceToken tt:Bounds tt:Extension?",
  "tt:Bounds": "@x @y @width @height",
  "tt:VideoEncoderConfiguration":
    "@token tt:Name tt:UseCount tt:Encoding tt:Resolution tt:Quality tt:RateControl? tt:MPEG4? tt:H264? tt:Multicast tt:SessionTimeout",
  "tt:Resolution": "tt:Width tt:Height",
  "tt:H264": "tt:GovLength tt:H264Profile",
  "tt:Multicast": "tt:Address tt:Port tt:TTL tt:AutoStart",
  "tt:Address": "tt:Type tt:IPv4Address? tt:IPv6Address?",
  "trt:GetStreamUri": "trt:StreamSetup trt:ProfileToken",
  "trt:StreamSetup": "tt:Stream tt:Transport",
  "tt:Transport": "tt:Protocol tt:Tunnel?",
  "trt:GetStreamUriResponse": "trt:MediaUri",
  "trt:GetSnapshotUri": "trt:ProfileToken",
  "trt:GetSnapshotUriResponse": "trt:MediaUri",
  "trt:MediaUri": "tt:Uri tt:InvalidAfterConnect tt:InvalidAfterReboot tt:Timeout",
  "trt:GetVideoSourcesResponse": "trt:VideoSources*",
  "trt:VideoSources": "@token tt:Framerate tt:Resolution tt:Imaging? tt:Extension?",
  "trt:GetAudioOutputsResponse": "trt:AudioOutputs*",
  "trt:AudioOutputs": "@token",
  // ver20/media.wsdl
  "tr2:GetProfiles": "tr2:Token? tr2:Type*",
  "tr2:GetProfilesResponse": "tr2:Profiles*",
  "tr2:Profiles": "@token tr2:Name tr2:Configurations?",
  "tr2:Configurations":
    "tr2:VideoSource? tr2:AudioSource? tr2:VideoEncoder? tr2:AudioEncoder? tr2:Analytics? tr2:PTZ? tr2:Metadata? tr2:AudioOutput? tr2:AudioDecoder? tr2:Receiver?",
  "tr2:VideoSource": "@token tt:Name tt:UseCount tt:SourceToken tt:Bounds tt:Extension?",
  "tr2:VideoEncoder":
    "@token tt:Name tt:UseCount tt:Encoding tt:Resolution tt:RateControl? tt:Multicast? tt:Quality",
  "tr2:GetStreamUri": "tr2:Protocol tr2:ProfileToken",
  "tr2:GetStreamUriResponse": "tr2:Uri",
  "tr2:GetSnapshotUri": "tr2:ProfileToken",
  "tr2:GetSnapshotUriResponse": "tr2:Uri",
  "tr2:GetServiceCapabilitiesResponse": "tr2:Capabilities",
  "tr2:Capabilities": "tr2:ProfileCapabilities tr2:StreamingCapabilities",
  "tr2:GetMasks": "tr2:Token? tr2:ConfigurationToken?",
  "tr2:GetMasksResponse": "tr2:Masks*",
  "tr2:Masks": "@token tr2:ConfigurationToken tr2:Polygon tr2:Type tr2:Color? tr2:Enabled",
  "tr2:Mask": "tr2:ConfigurationToken tr2:Polygon tr2:Type tr2:Color? tr2:Enabled",
  "tr2:Polygon": "tt:Point tt:Point tt:Point+",
  "tt:Point": "@x @y",
  "tr2:GetMaskOptions": "tr2:ConfigurationToken",
  "tr2:GetMaskOptionsResponse": "tr2:Options",
  "tr2:Options": "tr2:MaxMasks tr2:MaxPoints tr2:Types+ tr2:Color",
  "tr2:CreateMask": "tr2:Mask",
  "tr2:CreateMaskResponse": "tr2:Token",
  "tr2:SetMask": "tr2:Mask",
  "tr2:SetMaskResponse": "",
  "tr2:DeleteMask": "tr2:Token",
  "tr2:DeleteMaskResponse": "",
  // event.wsdl, b-2.xsd
  "tev:CreatePullPointSubscription":
    "tev:Filter? tev:InitialTerminationTime? tev:SubscriptionPolicy?",
  "tev:CreatePullPointSubscriptionResponse":
    "tev:SubscriptionReference wsnt:CurrentTime wsnt:TerminationTime",
  "tev:SubscriptionReference": "wsa:Address wsa:ReferenceParameters? wsa:Metadata?",
  "tev:PullMessages": "tev:Timeout tev:MessageLimit",
  "tev:PullMessagesResponse": "tev:CurrentTime tev:TerminationTime wsnt:NotificationMessage*",
  "wsnt:NotificationMessage":
    "wsnt:SubscriptionReference? wsnt:Topic? wsnt:ProducerReference? wsnt:Message",
  "wsnt:Topic": "@Dialect",
  "wsnt:Message": "tt:Message",
  "tt:Message": "@UtcTime tt:Source? tt:Key? tt:Data? tt:Extension?",
  "tt:SimpleItem": "@Name @Value",
  "tt:SimpleItemDescription": "@Name @Type",
  "wsnt:Renew": "wsnt:TerminationTime",
  "wsnt:RenewResponse": "wsnt:TerminationTime wsnt:CurrentTime?",
  "wsnt:Unsubscribe": "",
  "wsnt:UnsubscribeResponse": "",
  "tev:SetSynchronizationPoint": "",
  "tev:SetSynchronizationPointResponse": "",
  "tev:GetEventPropertiesResponse":
    "tev:TopicNamespaceLocation+ wsnt:FixedTopicSet wstop:TopicSet wsnt:TopicExpressionDialect+ tev:MessageContentFilterDialect+ tev:ProducerPropertiesFilterDialect* tev:MessageContentSchemaLocation+",
  // WS-Discovery 2005/04
  "d:Probe": "d:Types? d:Scopes?",
  "d:ProbeMatches": "d:ProbeMatch*",
  "d:ProbeMatch": "a04:EndpointReference d:Types? d:Scopes? d:XAddrs? d:MetadataVersion",
  "a04:EndpointReference": "a04:Address",
};

const nameOf = ({ namespace, name }: XmlElement): string =>
  `${PREFIX[namespace] ?? namespace}:${name}`;

/** What an element does against its rule, and all below it. */
function faultsOf(element: XmlElement): string[] {
  const name = nameOf(element);
  const rule = RULES[name];
  const below = element.children.flatMap(faultsOf);
  if (rule === undefined) return below;
  const parts = rule.split(" ").filter((part) => part !== "");
  const missing = parts
    .filter((part) => part.startsWith("@") && !element.attributes.has(part.slice(1)))
    .map((part) => `${name} lacks ${part}`);
  const pattern = parts
    .filter((part) => !part.startsWith("@"))
    .map((part) => `(?:${part.replace(/[?*+]$/, "")} )${/[?*+]$/.exec(part)?.[0] ?? ""}`)
    .join("");
  const found = element.children.map((child) => `${nameOf(child)} `).join("");
  const isOrdered = new RegExp(`^${pattern}$`).test(found);
  return [...missing, ...(isOrdered ? [] : [`${name} holds ${found}and not ${rule}`]), ...below];
}

const SAID: Readonly<Record<string, string>> = {
  fault: messages.fault("Sender", ["ter:InvalidArgVal", "ter:NoProfile"], "No"),
  time: messages.systemDateAndTime(0),
  services: messages.services([{ namespace: NAMESPACES.media, address: "http://192.0.2.10/" }]),
  capabilities: messages.capabilities("http://192.0.2.10"),
  information: messages.deviceInformation({ maker: "A & B", model: "<C>" }),
  videoSources: messages.videoSources(),
  audioOutputs: messages.audioOutputs(2),
  mediaCapabilities: messages.mediaCapabilities2(true),
  created: messages.pullPointCreated({
    address: "http://192.0.2.10/1",
    parameters: "<x/>",
    nowMs: 0,
    lapsesAtMs: 1,
  }),
  pulled: messages.pulled({
    ...{ nowMs: 0, lapsesAtMs: 1 },
    events: [{ topic: "tns1:A/B", operation: "Changed", source: { S: "1" }, data: { D: "2" } }],
  }),
  renewed: messages.renewed(0, 1),
  unsubscribed: messages.unsubscribed(),
  synchronized: messages.synchronized(),
  probeMatch: messages.probeMatch({
    relatesTo: "x",
    endpoint: "urn:y",
    scopes: ["z"],
    addresses: [],
  }),
};

test.each(Object.entries(SAID))(
  "what the fake device says as %s keeps to the schemas",
  (_name, xml) => {
    expect(faultsOf(parseXml(Buffer.from(xml)))).toEqual([]);
  },
);

test("(control: another order, a missing member and a wrong namespace are noticed)", () => {
  const broken = messages
    .systemDateAndTime(0)
    .replace(/<tt:Second>.*?<\/tt:Second>/, "")
    .replaceAll("tds:SystemDateAndTime", "tt:SystemDateAndTime");
  expect(faultsOf(parseXml(Buffer.from(broken)))).toHaveLength(2);
  const turned = messages
    .renewed(0, 1)
    .replace(/(<wsnt:T.*<\/wsnt:TerminationTime>)(.*)(<\/wsnt:Re)/, "$2$1$3");
  expect(faultsOf(parseXml(Buffer.from(turned)))).toHaveLength(1);
});

test.each([true, false])(
  "and so do its answers, and all that the hub asks (media 2: %s)",
  async (hasMedia2) => {
    await using fake = await FakeOnvifDevice.start({ hasMedia2, audioOutputs: 1, snapshot: null });
    const said: string[] = [];
    fake.onAnswer = (xml) => void said.push(xml);
    const options = {
      address: fake.url,
      credentials: { username: "admin", password: "secret", allowBasic: false },
    };
    await probeDevice(options);
    const device = await OnvifDevice.open(options);
    const point = await PullPoint.create(device, 60_000);
    fake.push({ topic: "tns1:A/B", operation: "Changed", data: { D: "2" } });
    await point.pull({ timeoutMs: 1_000, messageLimit: 1 });
    await point.synchronize();
    await point.renew(60_000);
    await point.unsubscribe();
    await readEventProperties(device);
    const all = [...said, ...fake.calls.map(({ body }) => body)].filter((xml) => xml !== "");
    expect(all.length).toBeGreaterThan(30);
    expect(all.flatMap((xml) => faultsOf(parseXml(Buffer.from(xml))))).toEqual([]);
  },
);

test("and what is said about masks", async () => {
  const masks = new FakeMasks({ masksMax: 1 });
  await using fake = await FakeOnvifDevice.start({ hasMask: true, masks });
  const said: string[] = [];
  fake.onAnswer = (xml) => void said.push(xml);
  const device = await OnvifDevice.open({
    address: fake.url,
    credentials: { username: "admin", password: "secret", allowBasic: false },
  });
  const [first, second]: readonly Polygon[][] = [0.1, 0.6].map((x) => [
    [
      [x, 0.1],
      [x + 0.2, 0.1],
      [x, 0.5],
    ],
  ]);
  if (!first || !second) throw new Error("there are no masks");
  const took = [
    await putMasksInCamera(device, { masks: first, before: [] }),
    await putMasksInCamera(device, { masks: second, before: first }),
    await putMasksInCamera(device, { masks: [], before: second }),
  ];
  expect(took.map(({ isHidden }) => isHidden)).toEqual([true, true, true]);
  const asked = new Set(fake.calls.map(({ operation }) => operation));
  for (const operation of ["GetMasks", "GetMaskOptions", "CreateMask", "SetMask", "DeleteMask"])
    expect(asked).toContain(operation);
  const all = [...said, ...fake.calls.map(({ body }) => body)];
  expect(all.flatMap((xml) => faultsOf(parseXml(Buffer.from(xml))))).toEqual([]);
});

test.each([true, false])(
  "a client that is not ours understands it (media 2: %s)",
  async (hasMedia2) => {
    await using fake = await FakeOnvifDevice.start({ hasMedia2, clockOffsetMs: 3_600_000 });
    const of = { hostname: "127.0.0.1", port: fake.port, username: "admin", password: "secret" };
    const wait = <T>(
      start: (done: (error: Error | null, value: T) => void) => void,
    ): Promise<T> => {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      start((error, value) => (error ? reject(error) : resolve(value)));
      return promise;
    };
    const camera = await new Promise<InstanceType<typeof onvif.Cam>>((resolve, reject) => {
      const made: InstanceType<typeof onvif.Cam> = new onvif.Cam(of, (error: Error | null) =>
        error ? reject(error) : resolve(made),
      );
    });
    const uri = await wait<{ uri: string }>((done) =>
      camera.getStreamUri({ protocol: "RTSP", profileToken: "sub" }, done as never),
    );
    expect(uri.uri).toBe("rtsp://127.0.0.1:554/sub");
    const information = await wait<{ model: string }>((done) =>
      camera.getDeviceInformation(done as never),
    );
    expect(information.model).toBe("Bell 3");
    await wait((done) => camera.createPullPointSubscription(done as never));
    fake.push({
      topic: "tns1:RuleEngine/MyRuleDetector/Visitor",
      operation: "Changed",
      data: { State: "true" },
    });
    const pulled = await wait<{ notificationMessage: { topic: { _: string } } }>((done) =>
      camera.pullMessages({ messageLimit: 10 }, done as never),
    );
    expect(pulled.notificationMessage.topic._).toBe("tns1:RuleEngine/MyRuleDetector/Visitor");
  },
);
