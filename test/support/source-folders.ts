/**
 * What each folder of src imports besides itself: all of it, so that a way that nobody goes any more is
 * struck off. src/README.md says the same in a table, and docs/imports.svg draws it.
 */
export const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  blur: [],
  base: ["protocol"],
  lan: ["protocol", "base"],
  ledger: ["protocol", "base"],
  keys: ["protocol", "base"],
  camera: ["protocol", "base"],
  mailbox: ["protocol", "base"],
  notify: ["protocol", "base"],
  talk: ["protocol", "base"],
  vision: ["protocol", "base", "blur"],
  clips: ["protocol", "base", "vision"],
  consent: ["protocol", "base", "ledger", "clips"],
  offsite: ["protocol", "base", "ledger", "clips"],
  settings: ["protocol", "base", "vision", "camera", "clips", "notify", "offsite"],
  probe: ["protocol", "base", "camera", "settings"],
  "vision-process": ["protocol", "base", "vision", "camera", "clips"],
  ingest: ["protocol", "base", "vision", "camera", "clips", "settings", "vision-process"],
  http: ["protocol", "base", "lan", "ledger", "keys", "camera", "notify", "clips", "consent"],
  bells: ["protocol", "base", "camera", "settings", "ingest", "http"],
  hub: [
    "protocol",
    "base",
    "lan",
    "ledger",
    "keys",
    "camera",
    "mailbox",
    "notify",
    "talk",
    "clips",
    "consent",
    "offsite",
    "settings",
    "probe",
    "ingest",
    "http",
    "bells",
  ],
  owner: ["protocol"],
};

/** They may import whatever they like. */
export const FREE_FOLDERS: readonly string[] = ["cli"];
