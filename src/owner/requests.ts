import { Decrypter, Encrypter } from "age-encryption";
import Type, { type Static } from "typebox";
import { fromBase64, toBase64 } from "../protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { LIMITS } from "../protocol/limits.ts";
import { VISIT_MAX_MS } from "../protocol/linter.ts";
import { parseRecipient } from "../protocol/age-header.ts";
import type { DeviceBundle } from "./device-bundle.ts";
import type { AnnouncedDocument, SealedDocument } from "../protocol/request-document.ts";
import {
  askedSha256,
  checkAsked,
  RequestDocumentSchema,
  SealedPersonalSchema,
  SealedRequestSchema,
  splitRequest,
  type Asked,
  type Personal,
  type SealedRequest,
} from "../protocol/request.ts";

/** A document that was sealed to the owners, and what is said of it inside and outside the seal. */
export interface SealedAttachment {
  readonly inside: SealedDocument;
  readonly announced: AnnouncedDocument;
  /** The age file. */
  readonly sealed: Uint8Array;
}

/** What is inside a one-time form: a token, whom to seal to, and where to post it, if anywhere. */
export const FormSchema = Type.Object(
  {
    format: Type.Literal("doorward-form/v1"),
    token: Type.String({ pattern: "^[0-9a-f]{64}$", maxLength: 64 }),
    owners: Type.String({ maxLength: LIMITS.recipientCharacters }),
    expiresAtMs: Type.Integer({ minimum: 0 }),
    intakeUrl: Type.Union([Type.String({ maxLength: 300 }), Type.Null()]),
    statusUrl: Type.String({ maxLength: 300 }),
    /** `visitor`: the short form of somebody who asks for his own minutes; left out: the whole one. */
    shape: Type.Optional(Type.Literal("visitor")),
  },
  { additionalProperties: false },
);
export type Form = Static<typeof FormSchema>;

/**
 * Reads a request as a person wrote it.
 *
 * @throws MalformedInput naming the field, also for a recipient that is no age key.
 */
export function readRequestDocument(value: unknown): { asked: Asked; personal: Personal } {
  const document = checkShape(RequestDocumentSchema, value, "request");
  checkAsked(document);
  if (document.recipient !== undefined) parseRecipient(document.recipient);
  return splitRequest(document);
}

/** The part about a person, sealed to the owners: the hub stores it and cannot read it. */
export async function sealPersonal(
  asked: Asked,
  personal: Personal,
  owners: string,
  document: SealedDocument | null = null,
): Promise<string> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(owners);
  const content = canonicalJson({
    askedSha256: askedSha256(asked),
    personal,
    ...(document ? { document } : {}),
  });
  return toBase64(await encrypter.encrypt(content));
}

/**
 * Fills in a form as its requester.
 *
 * @throws MalformedInput naming the field; HubError TOO_LARGE above 64 KiB.
 */
export async function fillForm(
  form: Form,
  document: unknown,
  attached: SealedAttachment | null = null,
): Promise<SealedRequest> {
  const { asked, personal } = readRequestDocument(document);
  if (form.shape === "visitor") requireOwnMinutes(asked);
  const request: SealedRequest = {
    format: "doorward-request/v1",
    token: form.token,
    asked,
    personal: await sealPersonal(asked, personal, form.owners, attached?.inside ?? null),
    ...(attached ? { document: attached.announced } : {}),
  };
  if (JSON.stringify(request).length > LIMITS.requestBytes)
    throw new HubError("TOO_LARGE", "Cannot make request: narrative makes it larger than 64 KiB");
  return request;
}

/** The short form is for one thing; whoever wants another asks for the whole one. */
function requireOwnMinutes(asked: Asked): void {
  const { fromMs, toMs } = checkAsked(asked);
  if (asked.kind !== "data_subject")
    throw new MalformedInput("kind", "Cannot make request: this form is for one's own minutes");
  if (toMs - fromMs > VISIT_MAX_MS)
    throw new MalformedInput("sought.to", "Cannot make request: name at most two hours");
}

/** @throws MalformedInput naming the field. */
export function readSealedRequest(value: unknown): SealedRequest {
  const request = checkShape(SealedRequestSchema, value, "request");
  checkAsked(request.asked);
  return request;
}

/** What was sealed with a request. */
export interface OpenedRequest {
  readonly personal: Personal;
  readonly document: SealedDocument | null;
}

/**
 * Opens the personal part of a request.
 *
 * @param ownersIdentities - Those in force and those of before, newest first.
 * @throws HubError when it was not sealed to this household or belongs to another request;
 * MalformedInput when what is inside is not what a form makes.
 */
export async function openRequest(
  asked: Asked,
  sealed: string,
  ownersIdentities: readonly string[],
): Promise<OpenedRequest> {
  const decrypter = new Decrypter();
  for (const identity of ownersIdentities) decrypter.addIdentity(identity);
  let content: Uint8Array;
  try {
    content = await decrypter.decrypt(fromBase64(sealed, "personal"));
  } catch (cause) {
    throw new HubError("NO_READER", "Cannot open request: it was not sealed to this household", {
      cause,
    });
  }
  const opened = checkShape(
    SealedPersonalSchema,
    parseCanonicalJson(content, "personal"),
    "personal",
  );
  if (opened.askedSha256 !== askedSha256(asked))
    throw new MalformedInput(
      "personal",
      "Cannot open request: its two parts do not belong together",
    );
  return { personal: opened.personal, document: opened.document ?? null };
}

/** As {@link openRequest}, where the document plays no part. */
export async function openPersonal(
  asked: Asked,
  sealed: string,
  ownersIdentity: string,
): Promise<Personal> {
  return (await openRequest(asked, sealed, [ownersIdentity])).personal;
}

/** The owners' readers that a device has, newest first; none where it is no owner's. */
export function ownersIdentities({ readers, earlier = [] }: DeviceBundle): string[] {
  return [readers, ...earlier].flatMap(({ owners }) => owners ?? []);
}
