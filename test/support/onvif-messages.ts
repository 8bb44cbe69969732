import { escapeXml } from "../../src/camera/onvif/xml.ts";

/**
 * What the fake ONVIF device says, written after the published schemas
 * (test/camera/onvif-fidelity.test.ts holds them to it).
 */

export interface FakeProfile {
  readonly token: string;
  readonly name: string;
  readonly encoding: string;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly kilobitsPerSecond: number;
  /** What GetStreamUri answers; null: the device has no stream for it and says so. */
  readonly uri: string | null;
  readonly sourceToken?: string;
}

export interface FakeEvent {
  /** With prefix, as `tns1:RuleEngine/MyRuleDetector/Visitor`. */
  readonly topic: string;
  readonly operation?: "Initialized" | "Changed" | "Deleted";
  readonly atMs?: number;
  readonly source?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, string>>;
}

export interface FakeTopic {
  readonly topic: string;
  readonly source: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

const PREFIXES = [
  `xmlns:s="http://www.w3.org/2003/05/soap-envelope"`,
  `xmlns:wsa="http://www.w3.org/2005/08/addressing"`,
  `xmlns:tt="http://www.onvif.org/ver10/schema"`,
  `xmlns:tds="http://www.onvif.org/ver10/device/wsdl"`,
  `xmlns:trt="http://www.onvif.org/ver10/media/wsdl"`,
  `xmlns:tr2="http://www.onvif.org/ver20/media/wsdl"`,
  `xmlns:tev="http://www.onvif.org/ver10/events/wsdl"`,
  `xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"`,
  `xmlns:wstop="http://docs.oasis-open.org/wsn/t-1"`,
  `xmlns:ter="http://www.onvif.org/ver10/error"`,
  `xmlns:tns1="http://www.onvif.org/ver10/topics"`,
].join(" ");

export function envelope(body: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope ${PREFIXES}><s:Header/><s:Body>${body}</s:Body></s:Envelope>`;
}

/** SOAP 1.2 part 1, section 5.4, with the codes of ONVIF Core section 5.8. */
export function fault(
  code: "Sender" | "Receiver",
  subcodes: readonly string[],
  text: string,
): string {
  const nested = subcodes.reduceRight(
    (inside, name) => `<s:Subcode><s:Value>${name}</s:Value>${inside}</s:Subcode>`,
    "",
  );
  return envelope(
    `<s:Fault><s:Code><s:Value>s:${code}</s:Value>${nested}</s:Code><s:Reason><s:Text xml:lang="en">${escapeXml(text)}</s:Text></s:Reason></s:Fault>`,
  );
}

export const notAuthorized = (): string =>
  fault("Sender", ["ter:NotAuthorized"], "The action requested requires authorization");

export function systemDateAndTime(atMs: number): string {
  const at = new Date(atMs);
  const time = `<tt:Time><tt:Hour>${at.getUTCHours()}</tt:Hour><tt:Minute>${at.getUTCMinutes()}</tt:Minute><tt:Second>${at.getUTCSeconds()}</tt:Second></tt:Time>`;
  const date = `<tt:Date><tt:Year>${at.getUTCFullYear()}</tt:Year><tt:Month>${at.getUTCMonth() + 1}</tt:Month><tt:Day>${at.getUTCDate()}</tt:Day></tt:Date>`;
  return envelope(
    `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone><tt:UTCDateTime>${time}${date}</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`,
  );
}

export interface FakeService {
  readonly namespace: string;
  readonly address: string;
}

export function services(list: readonly FakeService[]): string {
  const each = list.map(
    ({ namespace, address }) =>
      `<tds:Service><tds:Namespace>${namespace}</tds:Namespace><tds:XAddr>${escapeXml(address)}</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>`,
  );
  return envelope(`<tds:GetServicesResponse>${each.join("")}</tds:GetServicesResponse>`);
}

export function capabilities(base: string): string {
  const address = (path: string): string => `<tt:XAddr>${escapeXml(base + path)}</tt:XAddr>`;
  return envelope(
    [
      `<tds:GetCapabilitiesResponse><tds:Capabilities>`,
      `<tt:Device>${address("/onvif/device_service")}</tt:Device>`,
      `<tt:Events>${address("/onvif/events")}<tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport><tt:WSPullPointSupport>true</tt:WSPullPointSupport><tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events>`,
      `<tt:Media>${address("/onvif/media")}<tt:StreamingCapabilities><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>`,
      `</tds:Capabilities></tds:GetCapabilitiesResponse>`,
    ].join(""),
  );
}

export function deviceInformation(of: { readonly maker: string; readonly model: string }): string {
  return envelope(
    `<tds:GetDeviceInformationResponse><tds:Manufacturer>${escapeXml(of.maker)}</tds:Manufacturer><tds:Model>${escapeXml(of.model)}</tds:Model><tds:FirmwareVersion>1.0.7</tds:FirmwareVersion><tds:SerialNumber>0001</tds:SerialNumber><tds:HardwareId>HW-1</tds:HardwareId></tds:GetDeviceInformationResponse>`,
  );
}

const multicast = `<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address><tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>`;

function videoSource(of: FakeProfile): string {
  return `<tt:Name>Source</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>${escapeXml(of.sourceToken ?? "source0")}</tt:SourceToken><tt:Bounds x="0" y="0" width="1920" height="1080"/>`;
}

export function profiles(list: readonly FakeProfile[]): string {
  const each = list.map((of) =>
    [
      `<trt:Profiles token="${escapeXml(of.token)}" fixed="true"><tt:Name>${escapeXml(of.name)}</tt:Name>`,
      `<tt:VideoSourceConfiguration token="vs0">${videoSource(of)}</tt:VideoSourceConfiguration>`,
      `<tt:VideoEncoderConfiguration token="ve-${escapeXml(of.token)}"><tt:Name>Encoder</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>${escapeXml(of.encoding)}</tt:Encoding>`,
      `<tt:Resolution><tt:Width>${of.width}</tt:Width><tt:Height>${of.height}</tt:Height></tt:Resolution><tt:Quality>5</tt:Quality>`,
      `<tt:RateControl><tt:FrameRateLimit>${of.framesPerSecond}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>${of.kilobitsPerSecond}</tt:BitrateLimit></tt:RateControl>`,
      of.encoding === "H264"
        ? `<tt:H264><tt:GovLength>30</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>`
        : "",
      `${multicast}<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration></trt:Profiles>`,
    ].join(""),
  );
  return envelope(`<trt:GetProfilesResponse>${each.join("")}</trt:GetProfilesResponse>`);
}

export function profiles2(list: readonly FakeProfile[]): string {
  const each = list.map((of) =>
    [
      `<tr2:Profiles token="${escapeXml(of.token)}" fixed="true"><tr2:Name>${escapeXml(of.name)}</tr2:Name><tr2:Configurations>`,
      `<tr2:VideoSource token="vs0">${videoSource(of)}</tr2:VideoSource>`,
      `<tr2:VideoEncoder token="ve-${escapeXml(of.token)}" GovLength="30" Profile="Main"><tt:Name>Encoder</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>${escapeXml(of.encoding)}</tt:Encoding>`,
      `<tt:Resolution><tt:Width>${of.width}</tt:Width><tt:Height>${of.height}</tt:Height></tt:Resolution>`,
      `<tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>${of.framesPerSecond}</tt:FrameRateLimit><tt:BitrateLimit>${of.kilobitsPerSecond}</tt:BitrateLimit></tt:RateControl>`,
      `${multicast}<tt:Quality>5</tt:Quality></tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>`,
    ].join(""),
  );
  return envelope(`<tr2:GetProfilesResponse>${each.join("")}</tr2:GetProfilesResponse>`);
}

export function mediaUri(operation: "GetStreamUri" | "GetSnapshotUri", uri: string): string {
  return envelope(
    `<trt:${operation}Response><trt:MediaUri><tt:Uri>${escapeXml(uri)}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:${operation}Response>`,
  );
}

export function mediaUri2(operation: "GetStreamUri" | "GetSnapshotUri", uri: string): string {
  return envelope(
    `<tr2:${operation}Response><tr2:Uri>${escapeXml(uri)}</tr2:Uri></tr2:${operation}Response>`,
  );
}

export function audioOutputs(count: number): string {
  const each = Array.from(
    { length: count },
    (_, index) => `<trt:AudioOutputs token="ao${index}"/>`,
  );
  return envelope(`<trt:GetAudioOutputsResponse>${each.join("")}</trt:GetAudioOutputsResponse>`);
}

export function videoSources(): string {
  return envelope(
    `<trt:GetVideoSourcesResponse><trt:VideoSources token="source0"><tt:Framerate>25</tt:Framerate><tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution></trt:VideoSources></trt:GetVideoSourcesResponse>`,
  );
}

export function mediaCapabilities2(hasMask: boolean): string {
  return envelope(
    `<tr2:GetServiceCapabilitiesResponse><tr2:Capabilities SnapshotUri="true" Mask="${hasMask}"><tr2:ProfileCapabilities MaximumNumberOfProfiles="8" ConfigurationsSupported="VideoSource VideoEncoder"/><tr2:StreamingCapabilities RTSPStreaming="true" RTP_RTSP_TCP="true"/></tr2:Capabilities></tr2:GetServiceCapabilitiesResponse>`,
  );
}

function items(of: Readonly<Record<string, string>>): string {
  return Object.entries(of)
    .map(
      ([name, value]) => `<tt:SimpleItem Name="${escapeXml(name)}" Value="${escapeXml(value)}"/>`,
    )
    .join("");
}

function itemDescriptions(of: Readonly<Record<string, string>>): string {
  return Object.entries(of)
    .map(
      ([name, type]) =>
        `<tt:SimpleItemDescription Name="${escapeXml(name)}" Type="${escapeXml(type)}"/>`,
    )
    .join("");
}

export function eventProperties(topics: readonly FakeTopic[]): string {
  const each = topics.map(({ topic, source, data }) => {
    const [first = "", ...rest] = topic.split("/");
    const description = `<tt:MessageDescription IsProperty="true"><tt:Source>${itemDescriptions(source)}</tt:Source><tt:Data>${itemDescriptions(data)}</tt:Data></tt:MessageDescription>`;
    const inner = rest.reduceRight(
      (inside, name, index) =>
        `<${name}${index === rest.length - 1 ? ` wstop:topic="true"` : ""}>${inside}</${name}>`,
      description,
    );
    return `<${first}${rest.length === 0 ? ` wstop:topic="true"` : ""}>${inner}</${first}>`;
  });
  return envelope(
    [
      `<tev:GetEventPropertiesResponse><tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation>`,
      `<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet><wstop:TopicSet>${each.join("")}</wstop:TopicSet>`,
      `<wsnt:TopicExpressionDialect>http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet</wsnt:TopicExpressionDialect>`,
      `<wsnt:TopicExpressionDialect>http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete</wsnt:TopicExpressionDialect>`,
      `<tev:MessageContentFilterDialect>http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter</tev:MessageContentFilterDialect>`,
      `<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd</tev:MessageContentSchemaLocation></tev:GetEventPropertiesResponse>`,
    ].join(""),
  );
}

export function pullPointCreated(of: {
  readonly address: string;
  readonly parameters: string;
  readonly nowMs: number;
  readonly lapsesAtMs: number;
}): string {
  const parameters =
    of.parameters === ""
      ? ""
      : `<wsa:ReferenceParameters>${of.parameters}</wsa:ReferenceParameters>`;
  return envelope(
    `<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa:Address>${escapeXml(of.address)}</wsa:Address>${parameters}</tev:SubscriptionReference><wsnt:CurrentTime>${stamp(of.nowMs)}</wsnt:CurrentTime><wsnt:TerminationTime>${stamp(of.lapsesAtMs)}</wsnt:TerminationTime></tev:CreatePullPointSubscriptionResponse>`,
  );
}

export function pulled(of: {
  readonly nowMs: number;
  readonly lapsesAtMs: number;
  readonly events: readonly FakeEvent[];
}): string {
  const each = of.events.map((event) => {
    const operation = event.operation ? ` PropertyOperation="${event.operation}"` : "";
    const source = event.source ? `<tt:Source>${items(event.source)}</tt:Source>` : "";
    const data = event.data ? `<tt:Data>${items(event.data)}</tt:Data>` : "";
    return `<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">${escapeXml(event.topic)}</wsnt:Topic><wsnt:Message><tt:Message UtcTime="${stamp(event.atMs ?? of.nowMs)}"${operation}>${source}${data}</tt:Message></wsnt:Message></wsnt:NotificationMessage>`;
  });
  return envelope(
    `<tev:PullMessagesResponse><tev:CurrentTime>${stamp(of.nowMs)}</tev:CurrentTime><tev:TerminationTime>${stamp(of.lapsesAtMs)}</tev:TerminationTime>${each.join("")}</tev:PullMessagesResponse>`,
  );
}

export function renewed(nowMs: number, lapsesAtMs: number): string {
  return envelope(
    `<wsnt:RenewResponse><wsnt:TerminationTime>${stamp(lapsesAtMs)}</wsnt:TerminationTime><wsnt:CurrentTime>${stamp(nowMs)}</wsnt:CurrentTime></wsnt:RenewResponse>`,
  );
}

export const unsubscribed = (): string => envelope(`<wsnt:UnsubscribeResponse/>`);

export const synchronized = (): string => envelope(`<tev:SetSynchronizationPointResponse/>`);

/** WS-Discovery 2005/04, section 5.3, as ONVIF Core section 7.3 uses it. */
export function probeMatch(of: {
  readonly relatesTo: string;
  readonly endpoint: string;
  readonly scopes: readonly string[];
  readonly addresses: readonly string[];
}): string {
  return [
    `<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">`,
    `<s:Header><wsa:MessageID>urn:uuid:${crypto.randomUUID()}</wsa:MessageID><wsa:RelatesTo>${escapeXml(of.relatesTo)}</wsa:RelatesTo><wsa:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:To><wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action></s:Header>`,
    `<s:Body><d:ProbeMatches><d:ProbeMatch><wsa:EndpointReference><wsa:Address>${escapeXml(of.endpoint)}</wsa:Address></wsa:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>${escapeXml(of.scopes.join(" "))}</d:Scopes><d:XAddrs>${escapeXml(of.addresses.join(" "))}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>`,
  ].join("");
}

function stamp(atMs: number): string {
  return new Date(atMs).toISOString();
}
