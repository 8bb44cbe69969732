import path from "node:path";
import { isIP } from "node:net";
import Type, { type Static, type TSchema } from "typebox";
import { isHouseName } from "../protocol/house-name.ts";
import { DEFAULT_PORT } from "./example.ts";
import { SettingsError, wrongAt, type CheckedText } from "./file.ts";

/** Where the hub listens: this machine, the local network, and behind a reverse proxy. */

export const DEFAULT_NAME = "doorward.local";
const DEFAULT_LAN_PORT = 8443;
const DEFAULT_CERTIFICATE_PORT = 8088;
const PROXY_ADDRESSES_MAX = 8;
const THIS_MACHINE = ["127.0.0.1", "::1"];

const closed = { additionalProperties: false } as const;
const port = Type.Integer({ minimum: 0, maximum: 65_535, description: "a port from 0 to 65535" });
const filePath = Type.String({
  pattern: "^/",
  maxLength: 1_000,
  description: "the whole path of a file, as /etc/ssl/door.pem",
});
const NAME_EXPECTED = "expected a name as doorward.local or door.example.org, in small letters";
const ORIGIN_EXPECTED = "expected an address as https://door.example.org, with no path";

export const ListenSchema = Type.Object(
  {
    port: Type.Optional(port),
    /** Left out: until somebody has claimed the hub, and no longer. */
    lan: Type.Optional(Type.Boolean({ description: "true or false" })),
    name: Type.Optional(Type.String({ maxLength: 100, description: NAME_EXPECTED.slice(9) })),
    lanPort: Type.Optional(port),
    certificatePort: Type.Optional(port),
    certificate: Type.Optional(Type.Object({ chain: filePath, key: filePath }, closed)),
    proxy: Type.Optional(Type.String({ maxLength: 300, description: ORIGIN_EXPECTED.slice(9) })),
    proxyFrom: Type.Optional(
      Type.Array(Type.String({ maxLength: 45, description: "an IP address" }), {
        ...{ minItems: 1, maxItems: PROXY_ADDRESSES_MAX },
        description: `a list of 1 to ${PROXY_ADDRESSES_MAX} IP addresses`,
      }),
    ),
  },
  closed,
);
type ListenWritten = Static<typeof ListenSchema>;

/** The local network, as the settings have it. */
export interface LanSettings {
  /** Null where nothing is said: open until the claim. */
  readonly isOpen: boolean | null;
  /** Null where nothing is said: what was chosen before the claim, or `DEFAULT_NAME`. */
  readonly name: string | null;
  readonly port: number;
  readonly certificatePort: number;
  /** PEM files of the owner's own certificate, with its chain, and of its key. */
  readonly certificate: { readonly chain: string; readonly key: string } | null;
  /** A reverse proxy: the origin that it publishes, and the IP addresses that it calls from. */
  readonly proxy: { readonly origin: string; readonly from: readonly string[] } | null;
}

/** Where nothing is said. */
export const LAN_DEFAULT: LanSettings = {
  isOpen: null,
  name: null,
  port: DEFAULT_LAN_PORT,
  certificatePort: DEFAULT_CERTIFICATE_PORT,
  certificate: null,
  proxy: null,
};

/**
 * @param environment - Its `DOORWARD_PORT` comes before the file; 0 in it is for all ports.
 * @throws SettingsError with file and line for what is wrong.
 */
export function readListen(
  file: string,
  checked: Pick<CheckedText<TSchema>, "document" | "lines">,
  listen: ListenWritten | undefined,
  environment: NodeJS.ProcessEnv,
): { port: number; lan: LanSettings } {
  const wrong = (member: string, problem: string): SettingsError =>
    wrongAt(file, checked, ["listen", member], problem);
  const written = listen ?? {};
  const fromEnvironment = readPort(environment["DOORWARD_PORT"]);
  const ports = {
    port: fromEnvironment ?? written.port ?? DEFAULT_PORT,
    lanPort: fromEnvironment === 0 ? 0 : (written.lanPort ?? DEFAULT_LAN_PORT),
    certificatePort:
      fromEnvironment === 0 ? 0 : (written.certificatePort ?? DEFAULT_CERTIFICATE_PORT),
  };
  requireDistinctPorts(ports, wrong);
  if (written.name !== undefined && !isHouseName(written.name)) throw wrong("name", NAME_EXPECTED);
  if (written.proxyFrom && written.proxy === undefined)
    throw wrong("proxyFrom", "there is no listen.proxy that calls from there");
  const { chain, key } = written.certificate ?? {};
  return {
    port: ports.port,
    lan: {
      isOpen: written.lan ?? null,
      name: written.name ?? null,
      port: ports.lanPort,
      certificatePort: ports.certificatePort,
      certificate:
        chain === undefined || key === undefined
          ? null
          : { chain: path.normalize(chain), key: path.normalize(key) },
      proxy: readProxy(written, wrong),
    },
  };
}

function requireDistinctPorts(
  ports: Readonly<Record<string, number>>,
  wrong: (member: string, problem: string) => SettingsError,
): void {
  const taken = new Map<number, string>();
  for (const [member, value] of Object.entries(ports)) {
    const other = taken.get(value);
    if (value !== 0 && other !== undefined)
      throw wrong(member, `${value} is also listen.${other}: expected a port of its own`);
    taken.set(value, member);
  }
}

function readProxy(
  { proxy, proxyFrom = THIS_MACHINE }: ListenWritten,
  wrong: (member: string, problem: string) => SettingsError,
): LanSettings["proxy"] {
  if (proxy === undefined) return null;
  const url = URL.canParse(proxy) ? new URL(proxy) : null;
  const isOrigin = url !== null && (proxy === url.origin || proxy === `${url.origin}/`);
  if (!isOrigin || url.protocol !== "https:" || !isHouseName(url.hostname))
    throw wrong("proxy", ORIGIN_EXPECTED);
  const noAddress = proxyFrom.find((address) => isIP(address) === 0);
  if (noAddress !== undefined) throw wrong("proxyFrom", "expected IP addresses, as 192.168.1.5");
  return { origin: url.origin, from: proxyFrom };
}

function readPort(text: string | undefined): number | null {
  if (text === undefined || text === "") return null;
  const value = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || value > 65_535)
    throw new SettingsError("Cannot read DOORWARD_PORT: expected a port from 0 to 65535");
  return value;
}
