/** Every limit on what comes from outside, in one place; schemas cite them. */
export const LIMITS = {
  /** A request as it comes in, sealed part included. */
  requestBytes: 64 * 1024,
  narrativeCharacters: 8_000,
  recipientCharacters: 2_048,
  /** Names, agencies, contacts, references. */
  nameCharacters: 200,
  purposeCharacters: 1_000,
  camerasPerRequest: 16,
  /** A document that goes with a request; sealed it has a header and a tag for each 64 KiB more. */
  documentBytes: 4 * 1024 * 1024,
  sealedDocumentBytes: 4 * 1024 * 1024 + 8 * 1024,
  /** Signed statements of one type on one request. */
  statementsPerRequest: 20,
  clipsPerPreservation: 1_000,
  /** Sealed files in one approval: at the most 16 MiB each. */
  filesPerApproval: 400,
  clipsPerApproval: 64,
  /** Segments of one clip: it is cut at 150, and its entry stays small. */
  filesPerRendition: 400,
  /** Base64 of one header with three post-quantum stanzas: 6,700. */
  rewrapHeaderCharacters: 8_192,
  /** A sealed file that an owner's device made. */
  renditionFileBytes: 32 * 1024 * 1024,
  signaturesPerEnvelope: 16,
  /** Base64 of an envelope's payload: 400 post-quantum headers of 1.8 kB and the terms. */
  envelopePayloadCharacters: 2_000_000,
  keyringStatements: 10_000,
  /** So that one message can pass new readers on to all of them. */
  devicesInForce: 200,
  /** Devices that one recovery notice removes. */
  noticeRemovals: 200,
  /** Base64 of three readers, sealed to one device. */
  passedOnCharacters: 8_000,
  /** Base64 of what a newcomer gets: every reader that the household ever had. */
  bundleCharacters: 256_000,
  assertionBytes: 4_096,
  /** One entry of the ledger. */
  entryBytes: 262_144,
  /** 9999-12-31T23:59:59.999Z: the last that RFC 3339 can write, and so every time here. */
  timeMs: 253_402_300_799_999,
  /** A transparency report as a file, with every entry of the ledger. */
  reportBytes: 64 * 1024 * 1024,
  reportEntries: 200_000,
  /** A receipt: one entry with its proof, and the keyring. */
  receiptBytes: 8 * 1024 * 1024,
} as const;

/** A form's or request's life when nobody says otherwise, and at the longest. */
export const REQUEST_EXPIRY_MS = 14 * 24 * 3_600_000;
export const REQUEST_EXPIRY_MAX_MS = 30 * 24 * 3_600_000;
/** How long a decision made on the spot by one person may travel. */
export const DECISION_LIFETIME_MS = 15 * 60_000;
/** How long a recipient may fetch what was approved, when the owners say nothing else, and at most. */
export const AVAILABLE_DEFAULT_MS = 30 * 24 * 3_600_000;
export const AVAILABLE_MAX_MS = 366 * 24 * 3_600_000;
/** How far the clocks of hub and device may differ before what was signed counts as from the future. */
export const CLOCK_SKEW_MAX_MS = 120_000;
/** Between the notice of a recovery sheet and its effect: so long every owner may object. */
export const RECOVERY_NOTICE_MS = 72 * 3_600_000;
