/** The words of monthly statements; nothing else, so that a page may have them without a verifier. */

const TEXTS = {
  en: (month: string) =>
    `In the month ${month}, until I signed this, I received no order and no request about the recordings or the data of this household that I am not allowed to mention.`,
  fr: (month: string) =>
    `Durant le mois ${month}, jusqu’au moment de cette signature, je n’ai reçu aucun ordre ni aucune demande au sujet des enregistrements ou des données de ce foyer dont je n’aie pas le droit de faire état.`,
} as const;

/** The fixed words: the same for every household, so that none of them says more than another. */
export function statementText(said: {
  readonly language: keyof typeof TEXTS;
  /** `2026-11`. */
  readonly month: string;
}): string {
  return TEXTS[said.language](said.month);
}

/** Month of a time, in UTC, as statements name it. */
export function monthOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 7);
}
