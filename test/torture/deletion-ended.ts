import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync } from "node:fs";
import path from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { backUpBeforeUpgrade } from "../../src/base/upgrade-backup.ts";
import { fetchListedClip } from "../../src/owner/listed-clip.ts";
import { replacedBy, sealRendition, sealStill, sendRendition } from "../../src/owner/rendition.ts";
import { sealAttachment } from "../../src/owner/request-attachment.ts";
import { readRequestDocument, sealPersonal } from "../../src/owner/requests.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import { parseClipId, parseRequestId } from "../../src/protocol/ids.ts";
import { requestDocument } from "../support/test-consent.ts";
import { addHubCopy } from "../support/test-hub-copy.ts";
import { firstClip, requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";
import { followTestHub, openOriginals } from "../support/test-rendition.ts";
import { removeAndRotate, rewrapOn } from "../support/test-rewrap.ts";
import { sharedClip } from "../support/test-share.ts";
import { revokeAs } from "../support/two-owners.ts";
import { headerMark, marksIn, marksInTree } from "./deletion.ts";
import { until, type TortureResult } from "./frame.ts";

const MARK_BYTES = 48;
/** Where in an approval's base64 its first release header surely is, twice encoded. */
const HEADER_AT = 250;
/** Of a migration that there will never be. */
const FAR_MIGRATION = 9_999;

interface Ending {
  readonly name: string;
  readonly marks: readonly Buffer[];
  /** The files that begin with a mark; one of another name shows whether they are overwritten. */
  readonly files: readonly string[];
  readonly end: () => Promise<unknown>;
}

const filesOf = ({ hub }: TestHub, id: string, rendition: "original" | "blurred"): string[] => {
  const { clips } = hub.services;
  const clip = parseClipId(id);
  return clips
    .files(clip)
    .filter((file) => file.rendition === rendition)
    .map((file) => path.join(clips.folderOf(clip), sealedFileName(file)));
};

/** A link that is taken back while a copy from before an upgrade still holds what it opens. */
async function shareToEnd(hub: TestHub): Promise<Ending> {
  const made = await sharedClip(hub);
  const file = path.join(hub.dataDirectory, "doorward.db");
  const database = new BetterSqlite3(file);
  backUpBeforeUpgrade(database, file, FAR_MIGRATION);
  database.close();
  return {
    name: "share",
    marks: [Buffer.from(made.decision.payload.slice(HEADER_AT, HEADER_AT + MARK_BYTES))],
    files: [`${file}.before-${FAR_MIGRATION}`],
    end: async () => requireOk(await revokeAs(hub, made.request)),
  };
}

async function documentToEnd(hub: TestHub): Promise<Ending> {
  const { asked, personal } = readRequestDocument(requestDocument());
  const owners = hub.hub.services.household.keyring?.readers.owners ?? "";
  const pdf = Buffer.concat([Buffer.from("%PDF-1.7\n"), randomBytes(500)]);
  const { inside, announced, sealed } = await sealAttachment("order.pdf", pdf, owners);
  const body = {
    ...{ asked, document: announced },
    personal: await sealPersonal(asked, personal, owners, inside),
  };
  const typed = await hub.call("POST", "/api/requests", { as: hub.owner, body });
  const { record } = requireOk(typed).json<RequestSummary>();
  await hub.hub.services.documents.receive(parseRequestId(record.request), sealed);
  const file = path.join(hub.dataDirectory, "documents", `${record.request}.age`);
  const route = `/api/requests/${record.request}/document`;
  return {
    ...{ name: "document", marks: [await headerMark(file)], files: [file] },
    end: async () => requireOk(await hub.call("DELETE", route, { as: hub.owner })),
  };
}

/** The hub's blurred copy, in whose place an owner's comes. */
async function renditionToEnd(hub: TestHub, id: string): Promise<Ending> {
  await addHubCopy(hub, id);
  const files = filesOf(hub, id, "blurred");
  return {
    ...{ name: "rendition", marks: await Promise.all(files.map(headerMark)), files },
    end: async () => {
      const followed = await followTestHub(hub);
      const { client, keyring } = followed;
      const clip = await fetchListedClip(followed, id, "release");
      const made = (await openOriginals(followed, clip, hub.owner)).map(({ segment }) => ({
        ...{ segment, bytes: randomBytes(500) },
      }));
      const still = await sealStill(clip, keyring, { segment: 0, bytes: randomBytes(50) });
      const sent = [...(await sealRendition(clip, keyring, made)), still];
      await sendRendition(client, id, sent, { replaces: replacedBy(clip) });
    },
  };
}

/** After it the household has other readers: the last one. */
async function readersToEnd(hub: TestHub, id: string): Promise<Ending> {
  const removed = await hub.admit("adult");
  const files = filesOf(hub, id, "original");
  return {
    ...{ name: "sealed-anew", marks: await Promise.all(files.map(headerMark)), files },
    end: async () => rewrapOn(hub, await removeAndRotate(hub, removed.key.device), parseClipId(id)),
  };
}

/**
 * Ends what can be ended without its recording: a shared release that also lies in a copy from before
 * an upgrade, a letter, a blurred copy, and the readers that a recording had. Looks for what opened
 * each in all files, and in those that have lost their name, by another one outside the folder.
 */
export async function endAndLook(
  dataDirectory: string,
  image: string | null,
  settle: () => Promise<void> = async () => undefined,
): Promise<TortureResult[]> {
  await using hub = await startTestHub({ clips: 1, faces: "blur-copy", dataDirectory });
  const results: TortureResult[] = [];
  const nameless = path.join(path.dirname(dataDirectory), "nameless");
  mkdirSync(nameless);
  for (const prepare of [shareToEnd, documentToEnd, renditionToEnd, readersToEnd]) {
    const { name, marks, files, end } = await prepare(hub, firstClip(hub));
    const links = files.map((file, index) => {
      const link = path.join(nameless, `${name}-${index}`);
      linkSync(file, link);
      return link;
    });
    await settle();
    // Each is there, or not to find it again would prove nothing.
    const before = await Promise.all(links.map((link) => marksIn(link, marks)));
    const onDiskBefore = image === null ? marks.length : await marksIn(image, marks);
    await end();
    // A copy of the database is overwritten behind what ended it.
    let left: string[] = [];
    const isGone = async (): Promise<boolean> =>
      (left = [
        ...(await marksInTree(dataDirectory, marks)),
        ...(await marksInTree(nameless, marks)),
      ]).length === 0;
    await until(`the end of what opened a ${name}`, isGone, { limitMs: 20_000 }).catch(
      () => undefined, // Said below.
    );
    await settle();
    const onDisk = image === null ? 0 : await marksIn(image, marks);
    const found = marks.length > 0 && before.every((count) => count === 1);
    results.push({
      name: `deletion.${name}`,
      holds: found && onDiskBefore === marks.length && left.length === 0 && onDisk === 0,
      detail: `${marks.length} that opened ${files.length} files, found again in ${left.join(", ") || "no file"}${image === null ? "" : ` and ${onDisk} times on the disk`}`,
    });
  }
  return results;
}
