import Type, { type TSchema } from "typebox";
import { wrongAt, type CheckedText } from "./file.ts";

const CONTACT_EXPECTED = "an address as mailto:door@example.org or https://example.org/security";

/** To whom a stranger to the household reports a hole in this hub. */
export const SecuritySchema = Type.Object(
  {
    contact: Type.String({
      // Printable, so that it stays one line of a text.
      pattern: "^(?:mailto:[^@\\s]+@[!-~]+|https://[!-~]+)$",
      maxLength: 200,
      description: CONTACT_EXPECTED,
    }),
  },
  { additionalProperties: false },
);

/** @throws SettingsError with file and line for what is no address. */
export function readSecurity(
  file: string,
  checked: Pick<CheckedText<TSchema>, "document" | "lines">,
  { contact }: Type.Static<typeof SecuritySchema>,
): string {
  if (/^[!-~]+$/.test(contact) && URL.canParse(contact)) return contact;
  throw wrongAt(file, checked, ["security", "contact"], `expected ${CONTACT_EXPECTED}`);
}
