import { fromBase64, toBase64 } from "./bytes.ts";
import { MalformedInput } from "./errors.ts";
import { HASH_BYTES } from "./merkle.ts";

/** Proof that one entry is in a ledger, as a file of its own (C2SP tlog-proof). */
export interface TlogProof {
  /** What the form leaves to its user; null where there is none. */
  readonly extra: Uint8Array | null;
  /** Position of the entry, from 0. */
  readonly index: number;
  /** RFC 6962 inclusion proof. */
  readonly proof: readonly Uint8Array[];
  /** Signed note of the checkpoint, as text. Reading it verifies nothing. */
  readonly checkpoint: string;
}

const HEADER = "c2sp.org/tlog-proof@v1";
const INDEX_LINE = /^index (0|[1-9][0-9]{0,15})$/;
/** As many as the largest tree of whole numbers needs. */
const HASHES_MAX = 63;

export function formatTlogProof({ extra, index, proof, checkpoint }: TlogProof): string {
  const lines = [
    HEADER,
    ...(extra === null ? [] : [`extra ${toBase64(extra)}`]),
    `index ${index}`,
    ...proof.map(toBase64),
  ];
  return `${lines.join("\n")}\n\n${checkpoint}`;
}

/** @throws MalformedInput naming the line. */
export function parseTlogProof(text: string): TlogProof {
  const blank = text.indexOf("\n\n");
  if (blank < 0) throw malformed("a blank line and a checkpoint are missing");
  const [header, ...lines] = text.slice(0, blank).split("\n");
  if (header !== HEADER) throw malformed(`its first line is not ${HEADER}`);
  const extraLine = lines[0]?.startsWith("extra ") === true ? lines.shift() : undefined;
  const indexLine = INDEX_LINE.exec(lines.shift() ?? "");
  const index = Number(indexLine?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(index)) throw malformed("its index line is none");
  if (lines.length > HASHES_MAX) throw malformed(`it has over ${HASHES_MAX} hashes`);
  const proof = lines.map((line) => fromBase64(line, "tlog-proof hash"));
  if (!proof.every(({ length }) => length === HASH_BYTES)) throw malformed("a hash is none");
  const extra =
    extraLine === undefined
      ? null
      : fromBase64(extraLine.slice("extra ".length), "tlog-proof extra");
  return { extra, index, proof, checkpoint: text.slice(blank + 2) };
}

function malformed(what: string): MalformedInput {
  return new MalformedInput("tlog-proof", `Cannot read tlog-proof: ${what}`);
}
