import { HubError } from "../protocol/errors.ts";

/** Of every payload before it is encrypted, whatever it is about. */
export const PAYLOAD_BYTES = 1_024;

export type PushLanguage = "en" | "fr";

/** The same for a bell, a movement and a request: what it is, the device asks at home. */
const NEUTRAL = {
  en: { title: "Doorward", body: "Something new at home. Open to see." },
  fr: { title: "Doorward", body: "Il y a du nouveau chez vous. Ouvrez pour voir." },
} as const;

/**
 * The one payload there is: an id that means something in the house only, and fixed words for a
 * device that cannot ask. The format is the declarative one (W3C Push API), which an iPhone shows by
 * itself; `mutable` lets the service worker say more where there is one.
 *
 * @param id 32 hex digits.
 * @param origin The page's own address, without a slash at its end.
 */
export function pushPayload(id: string, origin: string, lang: PushLanguage): string {
  const { title, body } = NEUTRAL[lang];
  const text = JSON.stringify({
    web_push: 8030,
    mutable: true,
    notification: { title, body, lang, tag: id, navigate: `${origin}/#/notice/${id}` },
  });
  const free = PAYLOAD_BYTES - Buffer.byteLength(text);
  if (free < 0)
    throw new HubError("ORIGIN_TOO_LONG", "Cannot push: the page's address is too long");
  // White space behind a value is JSON still (RFC 8259).
  return text + " ".repeat(free);
}
