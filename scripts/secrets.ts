import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Looks for secrets in the files of the tree: `node scripts/secrets.ts`; exit 1 where one is found.
 * It prints the place and the kind, never the secret.
 */

interface Kind {
  readonly name: string;
  readonly pattern: RegExp;
  /** Of what matched, whether it is one; without it, everything is. */
  readonly isSecret?: (match: RegExpMatchArray) => boolean;
}

/** Bits a character that written words do not reach; keys in base64 or hexadecimal do. */
const RANDOM_FROM_BITS = 3.4;
/** Addresses that lead to nobody (RFC 2606, 5737, 6761) or to the same machine. */
const NOBODY =
  /^(?:192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|127\.|\[::1\]|localhost\b|(?:[a-z0-9-]+\.)*(?:example|test|invalid|example\.(?:org|com|net))(?=[:/]|$))/;

const KINDS: readonly Kind[] = [
  {
    name: "a private key",
    pattern: /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}/g,
  },
  { name: "an age identity", pattern: /AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]{20,}/g },
  { name: "an access key of a store", pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g },
  {
    name: "a token of a service",
    pattern:
      /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20}|npm_[A-Za-z0-9]{36}|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{35}|sk_live_[A-Za-z0-9]{20,})/g,
  },
  { name: "a signed token", pattern: /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/g },
  {
    name: "an address with a password",
    pattern: /\b[a-z][a-z0-9+]*:\/\/[^\s/"'`$<>{}:@]+:[^\s/"'`$<>{}@]{3,}@([^\s"'`]*)/g,
    isSecret: ([, host = ""]) => !NOBODY.test(host),
  },
  {
    name: "a value that looks random",
    pattern:
      /(?:password|passwd|secret|token|api_?key|private_?key)["']?\s*[:=]\s*["'`]([A-Za-z0-9+/_=-]{16,})["'`]/gi,
    isSecret: ([, value = ""]) => bitsPerCharacter(value) >= RANDOM_FROM_BITS && /\d/.test(value),
  },
];

/** Found once, looked at, and no secret: file, and how the text ends that was found there. */
const KNOWN: readonly (readonly [file: string, end: string])[] = [
  // That an address with a password is refused.
  ["test/notify/push.test.ts", "@web.push.apple.com/x"],
];

/**
 * One line for each secret, as `name:12: a private key`.
 *
 * @param name - As messages say it; for what is known, below the project's folder.
 */
export function secretsIn(name: string, content: Uint8Array): string[] {
  // Each byte one character, so that text inside of other things is seen as well.
  const text = Buffer.from(content).toString("latin1");
  return KINDS.flatMap(({ name: kind, pattern, isSecret }) =>
    [...text.matchAll(pattern)]
      .filter((match) => isSecret === undefined || isSecret(match))
      .filter(([found]) => !KNOWN.some(([file, known]) => file === name && found.endsWith(known)))
      .map(({ index }) => `${name}:${text.slice(0, index).split("\n").length}: ${kind}`),
  );
}

/** Names of all files that the tree holds, as git lists them. */
export function trackedFiles(root: string): string[] {
  return execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
    .split("\0")
    .filter((name) => name !== "");
}

function bitsPerCharacter(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => {
    const share = count / text.length;
    return bits - share * Math.log2(share);
  }, 0);
}

function main(): number {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const found = trackedFiles(root).flatMap((name) =>
    secretsIn(name, readFileSync(path.join(root, name))),
  );
  for (const line of found) process.stdout.write(`${line}\n`);
  return found.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main();
