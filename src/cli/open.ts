import { writeFile } from "node:fs/promises";
import path from "node:path";
import { makePrivateDirectory } from "../base/files.ts";
import { openSealedFile } from "../owner/open-clip.ts";
import { parseIdentity } from "../owner/identity.ts";
import { bundleFileNames } from "../protocol/bundle.ts";
import { utf8Text } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { looksLikeBundle, verifyBundle } from "../protocol/verify-bundle.ts";
import { readZip } from "../protocol/zip.ts";
import { LIMITS } from "../protocol/limits.ts";
import { joinSegments } from "./join-segments.ts";
import type { ExitCode } from "./exit.ts";
import { print, readInput, readOptions, say } from "./options.ts";
import { readBundle } from "./verify-checks.ts";

/** Opens a bundle with its recipient's key, after checking it: what does not hold is not opened. */
export async function open(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["identity", "out"], positionals: 1 });
  const out = options.required("out");
  const identityFile = options.required("identity");
  const { identity } = await parseIdentity(utf8Text(await readInput(identityFile), identityFile));
  const bytes = await readBundle(options.positionals[0] ?? "");
  if (!looksLikeBundle(bytes)) {
    say("This is not a bundle of Doorward.");
    return 2;
  }
  const { holds, checks, approval } = await verifyBundle(bytes);
  if (!holds || !approval) {
    const failed = checks.find((check) => !check.holds);
    throw new HubError(
      "BUNDLE_REFUSED",
      `Cannot open bundle: ${failed?.detail ?? "it does not hold"}`,
    );
  }
  const members = readZip(bytes, LIMITS.filesPerApproval + 16);
  const names = bundleFileNames(approval.terms);
  const opened = await Promise.all(
    approval.files.map(async ({ clip, file }, index) => ({
      clip,
      file,
      plaintext: await openSealedFile(
        members.get(names[index] ?? "") ?? new Uint8Array(),
        [identity],
        file.payloadSha256,
      ),
    })),
  );
  await makePrivateDirectory(out);
  const used = new Set<string>();
  for (const { clip, camera, fromMs } of approval.terms.clips) {
    const own = opened.filter((one) => one.clip === clip);
    const time = new Date(fromMs).toISOString().slice(0, 19).replaceAll(":", "");
    const name = `${camera}-${time}`;
    // Two clips of one camera may begin in the same second.
    const target = path.join(out, `${used.has(name) ? `${name}-${clip.slice(0, 8)}` : name}.mp4`);
    used.add(name);
    for (const written of await joinSegments(own, target)) print(written);
  }
  await writeFile(path.join(out, "decision.json"), JSON.stringify(approval.envelope, null, 2));
  return 0;
}
