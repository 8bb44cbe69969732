import { isIPv4 } from "node:net";
import path from "node:path";
import Type, { type Static, type TSchema } from "typebox";
import { checkText, readSettingsText, wrongAt, type CheckedText } from "./file.ts";

/** `notify:` of the settings file: through whom the hub tells people of the house. */

const closed = { additionalProperties: false } as const;
export const NOTIFY_SERVICES_MAX = 16;
const SERVER_EXPECTED = "an address as https://ntfy.example or http://192.0.2.5:2586";

export const NotifySchema = Type.Object(
  {
    ntfy: Type.Optional(
      Type.Object(
        {
          url: Type.String({
            pattern: "^https?://[!-~]+$",
            maxLength: 300,
            description: SERVER_EXPECTED,
          }),
        },
        closed,
      ),
    ),
    /** Besides the push services of browsers that are known: for browsers and apps with others. */
    services: Type.Optional(
      Type.Array(
        Type.String({
          pattern:
            "^(?=.{1,253}(:|$))[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?$",
          maxLength: 260,
          description: "a host as push.example.org, in small letters",
        }),
        {
          maxItems: NOTIFY_SERVICES_MAX,
          description: `a list of at most ${NOTIFY_SERVICES_MAX} hosts`,
        },
      ),
    ),
  },
  closed,
);
type NotifyWritten = Static<typeof NotifySchema>;

export interface NotifySettings {
  /** Address without a slash behind; its token is in `secrets/notify.yaml`. */
  readonly ntfy: { readonly url: string } | null;
  /** Hosts, with a port where it is not the usual one. */
  readonly services: readonly string[];
}

export const NOTIFY_DEFAULT: NotifySettings = { ntfy: null, services: [] };

/** @throws SettingsError where the address names no host, or more than a host and a path. */
export function readNotify(
  file: string,
  checked: CheckedText<TSchema>,
  { ntfy, services = [] }: NotifyWritten,
): NotifySettings {
  if (!ntfy) return { ntfy: null, services };
  const wrong = (problem: string) => wrongAt(file, checked, ["notify", "ntfy", "url"], problem);
  if (!URL.canParse(ntfy.url)) throw wrong(`expected ${SERVER_EXPECTED}`);
  const url = new URL(ntfy.url);
  if (url.username !== "" || url.password !== "")
    throw wrong("a token belongs into secrets/notify.yaml, not here");
  if (url.search !== "" || url.hash !== "") throw wrong(`expected ${SERVER_EXPECTED}`);
  if (url.protocol === "http:" && !isLocal(url.hostname))
    throw wrong("without https only a server of your own network can be used");
  return { ntfy: { url: `${url.origin}${url.pathname}`.replace(/\/+$/, "") }, services };
}

/** Names without a dot and those of mDNS lead nowhere else; a public name might. */
function isLocal(host: string): boolean {
  const isOwnName = host.endsWith(".local") || host === "localhost" || /^[a-z0-9-]+$/.test(host);
  const isOwnIpv4 =
    /^(127|10)\.|^192\.168\.|^172\.(1[6-9]|2[0-9]|3[01])\.|^169\.254\.|^192\.0\.2\./.test(host);
  const isOwnAddress =
    (isIPv4(host) && isOwnIpv4) || /^\[(::1|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/.test(host);
  return isOwnName || isOwnAddress;
}

const NotifySecretsSchema = Type.Object(
  {
    ntfy: Type.Optional(
      Type.Object(
        {
          token: Type.String({
            pattern: "^[!-~]+$",
            maxLength: 200,
            description: "a token in quotes",
          }),
        },
        closed,
      ),
    ),
  },
  closed,
);

export interface NotifySecrets {
  readonly ntfyToken: string | null;
}

function notifySecretsFile(dataDirectory: string): string {
  return path.join(dataDirectory, "secrets", "notify.yaml");
}

/**
 * @param text - Of `secrets/notify.yaml`; null where there is no such file.
 * @throws SettingsError for everything that is wrong in it.
 */
export function readNotifySecrets(file: string, text: string | null): NotifySecrets {
  if (text === null) return { ntfyToken: null };
  const { value } = checkText(file, text, NotifySecretsSchema);
  return { ntfyToken: value.ntfy?.token ?? null };
}

/** Read once, at start. @throws SettingsError for everything that is wrong in them. */
export async function openNotifySecrets(dataDirectory: string): Promise<NotifySecrets> {
  const file = notifySecretsFile(dataDirectory);
  return readNotifySecrets(file, await readSettingsText(file));
}
