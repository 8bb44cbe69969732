import Type, { type Static } from "typebox";
import { MalformedInput } from "./errors.ts";
import { LIMITS } from "./limits.ts";

/**
 * One document that goes with a request, a scan of an order as a rule. The hub keeps an age file for
 * the owners and knows its length and hash; what it is and what it is called is sealed.
 */

const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });

export const DOCUMENT_TYPES = ["application/pdf", "image/jpeg", "image/png", "text/plain"] as const;
export type DocumentType = (typeof DOCUMENT_TYPES)[number];

/** What the sealed personal part says of the document, so that nobody can put another in its place. */
export const SealedDocumentSchema = Type.Object(
  {
    name: Type.String({ pattern: "^[^\\p{C}\\p{Zl}\\p{Zp}/\\\\]+$", minLength: 1, maxLength: 120 }),
    mediaType: Type.Union(
      DOCUMENT_TYPES.map((type) => Type.Literal(type)),
    ) as unknown as Type.TUnsafe<DocumentType>,
    sizeBytes: Type.Integer({ minimum: 1, maximum: LIMITS.documentBytes }),
    /** Of the document itself. */
    sha256: hex(64),
  },
  { additionalProperties: false },
);
export type SealedDocument = Static<typeof SealedDocumentSchema>;

/** What comes in beside a request: the hub takes exactly these bytes, once. */
export const AnnouncedDocumentSchema = Type.Object(
  {
    /** Of the age file. */
    sha256: hex(64),
    sizeBytes: Type.Integer({ minimum: 1, maximum: LIMITS.sealedDocumentBytes }),
  },
  { additionalProperties: false },
);
export type AnnouncedDocument = Static<typeof AnnouncedDocumentSchema>;

const SIGNATURES: readonly (readonly [DocumentType, readonly number[]])[] = [
  ["application/pdf", [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
];

/**
 * What a document is by its own first bytes, whatever its name says. Text is UTF-8 without control
 * characters but tabs and line ends.
 *
 * @throws MalformedInput for anything else, and where it is empty or over 4 MiB.
 */
export function documentTypeOf(bytes: Uint8Array): DocumentType {
  if (bytes.length === 0 || bytes.length > LIMITS.documentBytes)
    throw new MalformedInput("document", "Cannot attach document: it is empty or over 4 MiB");
  for (const [type, start] of SIGNATURES)
    if (start.every((byte, at) => bytes[at] === byte)) return type;
  if (isPlainText(bytes)) return "text/plain";
  throw new MalformedInput(
    "document",
    "Cannot attach document: it must be a PDF, a JPEG or PNG picture, or plain text",
  );
}

function isPlainText(bytes: Uint8Array): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return !/[^\P{Cc}\t\n\r\f]/u.test(text);
  } catch {
    // Not UTF-8, so not what this takes for text.
    return false;
  }
}

/** A file's name without folders, and without what could move or hide the words beside it. */
export function documentNameOf(path: string): string {
  const name = path.split(/[/\\]/).at(-1) ?? "";
  const plain = name.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return [...(plain === "" ? "document" : plain)].slice(0, 60).join("");
}
