import path from "node:path";
import { fileURLToPath } from "node:url";
import type { HubDatabase } from "../base/database.ts";
import { VERSION } from "../base/version.ts";
import { sealBytes } from "../clips/sealed-file.ts";
import { openRetentionCount, prepareRetentionStatements } from "../clips/retention-rows.ts";
import { ClipStore } from "../clips/store.ts";
import { ClipTimeline } from "../clips/timeline.ts";
import type { BundleSource } from "../consent/bundle.ts";
import { RequestDocuments } from "../consent/documents.ts";
import { RequestHandling } from "../consent/handling.ts";
import { createDecisions } from "../consent/decisions.ts";
import { createWithdrawals } from "../consent/endings.ts";
import { RequestStore } from "../consent/requests.ts";
import { Shares } from "../consent/shares.ts";
import { Viewers } from "../consent/viewers.ts";
import { createClaimDesk } from "../http/claim.ts";
import type { News } from "../http/news.ts";
import { Pairings } from "../http/pairings.ts";
import { Replies } from "../http/replies.ts";
import { Sessions } from "../http/sessions.ts";
import type { HubServices } from "../http/services.ts";
import { openMasks } from "./masks.ts";
import { openChime } from "./chime.ts";
import { recordFacts } from "./facts.ts";
import { followPrivacy, openPrivacy, privacyGreeting, settlePrivacy } from "./privacy-links.ts";
import type { HubParts, HubUrls } from "./parts.ts";
import { openRecordings } from "./recordings.ts";
import { openLive, openNews, openTalk } from "./doors.ts";
import { openWays } from "./ways.ts";
import { openNotices } from "./open-notices.ts";
import type { HubOptions } from "./options.ts";
import { armingNews } from "./zones.ts";
import { configurationFor, type ToIngest } from "../ingest/messages.ts";
import { Household } from "../keys/household.ts";
import { KeyringDesk } from "../keys/keyring-desk.ts";
import type { LedgerKey } from "../keys/hub-keys.ts";
import { ClockTrust } from "../ledger/clock-trust.ts";
import { Ledger } from "../ledger/ledger.ts";
import { Restorations } from "../ledger/restorations.ts";
import { Statements } from "../ledger/statements.ts";
import { parseRecipient } from "../protocol/age-header.ts";
import { toHex } from "../protocol/bytes.ts";
import { sealedFileName } from "../protocol/clip.ts";
import { HubError } from "../protocol/errors.ts";
import { parseSha256Hex } from "../protocol/ids.ts";
import type { Keyring, KeyringPosition } from "../protocol/keyring.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import { noticeFacts } from "./door-notice.ts";
import { openMetrics } from "./metrics-token.ts";
import { hasSameStreams } from "../settings/cameras.ts";

export const PAGE_DIRECTORY = fileURLToPath(new URL("../../web/dist", import.meta.url));

/** Everything that routes may use, over one open database. */
export function openServices(parts: HubParts): HubServices {
  const { options, database, ledgerKey, clipsDirectory, urls, health, tellIngest } = parts;
  const { settings, connections } = parts;
  const nowMs = options.nowMs ?? Date.now;
  const stores = openStores({ options, database, ledgerKey, clipsDirectory, nowMs });
  const { ledger, appendEntry, household, clips, requests, decisions, news } = stores;
  const viewers = openViewers(options);
  const services: HubServices = {
    get name() {
      return settings.current.name;
    },
    version: VERSION,
    ledger,
    ledgerKey: ledgerKey.publicKey,
    household,
    keyringDesk: new KeyringDesk(household, nowMs, () => services.lan.origins()),
    sessions: stores.sessions,
    claimDesk: createClaimDesk(() => performance.now()),
    pairings: new Pairings(nowMs, stores.countedMs, () => news.tell("pairings")),
    news,
    connections: connections.log,
    clips,
    timeline: new ClipTimeline(database),
    live: openLive(settings, tellIngest),
    talk: openTalk(() => services, settings),
    ...openHouse(parts, stores, nowMs, () => services.lan.state().origin ?? urls.main),
    settings,
    bells: parts.bells,
    ...openRecordings({
      ...{ options, settings, database, clipsDirectory, nowMs },
      ...{ clips, requests, appendEntry, keyring: () => requireKeyring(household) },
    }),
    ...{ requests, decisions },
    withdrawals: stores.withdrawals,
    ...openHandling({ options, database, stores, nowMs }, () => services.retention.countedMs()),
    notice: () => noticeFacts(settings.current, urls.outside, services.privacy.allOff().length),
    securityContact: () => settings.current.securityContact ?? null,
    bundles: bundleSource({ ledger, household, clips, viewers }),
    viewers,
    ...openSigned(database, stores, nowMs),
    nowMs,
    clockTrust: stores.clockTrust,
    seal: (plaintext, recipients) => sealBytes(plaintext, recipients.map(parseRecipient)),
    ...changesOf(parts, () => services),
    health: () => health.report(services),
    metrics: openMetrics(parts, nowMs),
    ...openWays(
      parts,
      { household, nowMs, version: VERSION, page: PAGE_DIRECTORY },
      () => services,
    ),
    masks: openMasks(settings, () => services.health()),
    ...addressesOf(urls),
  };
  followPrivacy(services, parts);
  followSettings(services, parts);
  return services;
}

/** What else has to know at once of what came in. */
function changesOf(
  { options, database, settings, tellIngest }: HubParts,
  services: () => HubServices,
): Pick<HubServices, "keyringChanged" | "requestReceived"> {
  return {
    keyringChanged: () => {
      const { privacy, household, notices, push, copy } = services();
      if (household.keyring?.epoch === 0)
        options.log("info", "claimed: a household is in charge, and recording begins");
      // From the claim on the ledger has it, and before anything is connected to.
      settlePrivacy(privacy, options.log);
      tellIngest(keyringMessage(household));
      recordFacts(services(), database, settings.current, VERSION);
      notices.keyringChanged();
      push.settle();
      copy.soon();
    },
    requestReceived: (request) => {
      options.log("info", `request ${request.id.slice(0, 8)} waits for the owner`);
      services().mailbox.wake();
      services().notices.requestReceived(request.id);
    },
  };
}

function openViewers({ pageDirectory, dataDirectory }: HubOptions): Viewers {
  return new Viewers(pageDirectory ?? PAGE_DIRECTORY, path.join(dataDirectory, "viewers"));
}

function addressesOf(urls: HubUrls): Pick<HubServices, "statusUrl" | "intakeUrl" | "outsideUrl"> {
  return {
    statusUrl: (token) => `${urls.outside ?? urls.main}/status/${token}`,
    intakeUrl: () => (urls.outside === null ? null : `${urls.outside}/intake`),
    outsideUrl: () => urls.outside,
  };
}

/** What is there for those who live here: replies, cameras that are off, and the chime. */
function openHouse(
  parts: HubParts,
  { household, appendEntry, news, clockTrust }: ReturnType<typeof openStores>,
  nowMs: () => number,
  origin: () => string,
): Pick<HubServices, "replies" | "privacy" | "chime" | "notices"> {
  const { options, database, settings, bells, notifySecrets: secrets } = parts;
  const timeZone = options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const connections = parts.connections.log;
  return {
    // Before the chime: what leaves the house takes longer.
    notices: openNotices({
      ...{ options, database, settings, secrets, connections, bells, household, origin },
    }),
    replies: new Replies(database, nowMs),
    privacy: openPrivacy({
      ...{ database, settings, household, appendEntry, nowMs, timeZone },
      upMs: options.monotonicMs ?? (() => performance.now()),
      isClockBelieved: () => clockTrust.isBelieved(),
    }),
    chime: openChime({ settings, nowMs, timeZone, news, bells }),
  };
}

/** What a change of the settings is followed by. */
function followSettings(services: HubServices, parts: HubParts): void {
  const { options, database, clipsDirectory, health, settings, connections, tellIngest } = parts;
  recordFacts(services, database, settings.current, VERSION);
  let configured: typeof settings.current.cameras = [];
  const sayArming = (): void => {
    for (const line of armingNews(configured, settings.current.cameras)) options.log("warn", line);
    configured = settings.current.cameras;
  };
  sayArming();
  settings.setEffects({
    enter: (changed) => recordFacts(services, database, changed, VERSION),
    apply: (changed) => {
      const { cameras } = changed;
      for (const camera of configured)
        if (!cameras.some((other) => hasSameStreams(camera, other)))
          services.live.begunAnew(camera.id);
      health.configure(cameras);
      connections.configure(cameras);
      parts.bells.configure();
      // First: a camera that is off by its hours is not connected to before.
      settlePrivacy(services.privacy, options.log);
      for (const message of privacyGreeting(services.privacy)) tellIngest(message);
      tellIngest(configurationFor(clipsDirectory, changed));
      sayArming();
      services.retention.wake();
      services.chime.configure();
      services.notices.configure();
      services.house.configure();
      void services.lan.configure();
      services.mailbox.configure();
      services.copy.configure();
      services.news.tell("cameras");
    },
  });
}

/** What owners have signed that is neither keyring nor decision. */
function openSigned(
  database: HubDatabase,
  { household, ledger, requests, decisions, appendEntry, countedMs }: ReturnType<typeof openStores>,
  nowMs: () => number,
): Pick<HubServices, "shares" | "statements" | "restorations"> {
  const keyring = () => requireKeyring(household);
  return {
    shares: new Shares({ database, requests, decisions, appendEntry, nowMs, countedMs, keyring }),
    statements: new Statements({
      ...{ database, appendEntry, nowMs, keyring },
      knowsCheckpoint: (size, root) => knowsCheckpoint(ledger, size, root),
    }),
    restorations: new Restorations({
      ...{ database, appendEntry, nowMs, keyring },
      chain: () => household.statements(),
      size: () => ledger.size(),
      root: (size) => ledger.root(size),
    }),
  };
}

/** What is kept in the database, and who is told of it. */
function openStores(parts: {
  options: HubOptions;
  database: HubDatabase;
  ledgerKey: LedgerKey;
  clipsDirectory: string;
  nowMs: () => number;
}) {
  const { options, database, ledgerKey, clipsDirectory, nowMs } = parts;
  const { origin, publicKey } = ledgerKey;
  let heard: News | null = null;
  const ledger = Ledger.open({
    database,
    origin,
    publicKey,
    sign: (message) => ledgerKey.sign(message),
    onAppend: (entry) => heard?.tellEntry(entry),
  });
  const appendEntry = (entry: LedgerEntry): number => ledger.append(entry);
  const entered = (): KeyringPosition | null => enteredKeyring(ledger);
  const ownLedger = { origin, ledgerKey: publicKey, entered, appendEntry };
  const household = Household.open({
    ...{ database, nowMs, ...ownLedger },
    ...(options.monotonicMs ? { monotonicMs: options.monotonicMs } : {}),
  });
  const clips = ClipStore.open({ database, clipsDirectory, appendEntry, nowMs });
  const { countedMs, clockTrust } = openCount(options, database, nowMs);
  const isClockBelieved = () => clockTrust.isBelieved();
  const requests = new RequestStore({
    ...{ database, appendEntry, nowMs, countedMs, isClockBelieved },
    ...(options.random ? { random: options.random } : {}),
  });
  const consent = openConsent({
    ...{ database, requests, appendEntry, nowMs, household, clips, ledger },
    ...{ countedMs, isClockBelieved },
  });
  const sessions = new Sessions({ database, keyring: () => household.keyring, nowMs, countedMs });
  const news = openNews({ clips, ledger, household, sessions });
  heard = news;
  const clocks = { countedMs, clockTrust };
  return { ledger, appendEntry, household, clips, requests, ...consent, sessions, news, ...clocks };
}

/** The count that retention goes by and keeps, here only read, and what it says of the clock. */
function openCount(
  { monotonicMs, log }: HubOptions,
  database: HubDatabase,
  nowMs: () => number,
): { countedMs: () => number; clockTrust: ClockTrust } {
  const statements = prepareRetentionStatements(database);
  const count = openRetentionCount(statements, monotonicMs ?? (() => performance.now()));
  const countedMs = () => count.nowMs();
  return { countedMs, clockTrust: new ClockTrust({ database, nowMs, countedMs, log }) };
}

/** What is done about requests besides deciding them. */
function openHandling(
  parts: {
    options: HubOptions;
    database: HubDatabase;
    stores: ReturnType<typeof openStores>;
    nowMs: () => number;
  },
  countedMs: () => number,
): Pick<HubServices, "handling" | "documents"> {
  const { options, database, stores, nowMs } = parts;
  const { requests, appendEntry, household, clips } = stores;
  return {
    handling: new RequestHandling({
      ...{ database, requests, appendEntry, nowMs, countedMs },
      keyring: () => requireKeyring(household),
      hasClip: (clip) => clips.get(clip) !== null,
    }),
    documents: new RequestDocuments({
      ...{ database, nowMs, directory: path.join(options.dataDirectory, "documents") },
    }),
  };
}

function openConsent(parts: {
  database: HubDatabase;
  requests: RequestStore;
  appendEntry: (entry: LedgerEntry) => number;
  nowMs: () => number;
  household: Household;
  clips: ClipStore;
  ledger: Ledger;
  countedMs: () => number;
  isClockBelieved: () => boolean;
}) {
  const { database, requests, appendEntry, nowMs, household, clips, ledger } = parts;
  const { countedMs, isClockBelieved } = parts;
  const endings = {
    ...{ database, requests, appendEntry, nowMs, countedMs, isClockBelieved },
    keyring: () => requireKeyring(household),
  };
  const decisions = createDecisions({
    ...endings,
    keyringStatements: () => household.statements(),
    findFile: (clip, wanted) => findListedFile(clips, clip, sealedFileName(wanted)),
    knowsCheckpoint: (size, root) => knowsCheckpoint(ledger, size, root),
  });
  return { decisions, withdrawals: createWithdrawals(endings) };
}

function bundleSource(
  parts: Pick<HubServices, "ledger" | "household" | "clips" | "viewers">,
): BundleSource {
  const { ledger, household, clips, viewers } = parts;
  return {
    ledger,
    keyringStatements: () => household.statements(),
    pathOf: (clip, file) => clips.pathOf(clip, file),
    entryIndexOf: (clip) => clips.entryIndexOf(clip),
    entryIndexOfFile: (clip, file) => clips.entryIndexOfFile(clip, file),
    viewer: (sha256) => viewers.read(sha256),
  };
}

/** The keyring as the ledger's newest entry about it has it. */
function enteredKeyring(ledger: Ledger): KeyringPosition | null {
  let newest: KeyringPosition | null = null;
  for (let from = 0; ;) {
    const page = ledger.entries({ from, kind: "keyring" });
    for (const { entry, index } of page) {
      if (entry.kind !== "keyring") continue;
      newest = { epoch: entry.epoch, head: parseSha256Hex(entry.keyringHead) };
      from = index + 1;
    }
    if (page.length === 0) return newest;
  }
}

function knowsCheckpoint(ledger: Ledger, size: number, root: string): boolean {
  return size >= 1 && size <= ledger.size() && toHex(ledger.root(size)) === root;
}

function requireKeyring(household: Household): Keyring {
  if (!household.keyring)
    throw new HubError("NOT_CLAIMED", "Cannot answer: nobody has claimed this hub yet");
  return household.keyring;
}

/** Only files that a ledger entry lists: what was never entered can never be released. */
function findListedFile(
  clips: ClipStore,
  clip: Parameters<ClipStore["get"]>[0],
  name: string,
): ReturnType<Parameters<typeof createDecisions>[0]["findFile"]> {
  const stored = clips.get(clip);
  if (!stored || stored.entryIndex === null) return null;
  const file = clips.files(clip).find((listed) => sealedFileName(listed) === name);
  return file ? { camera: stored.camera, file } : null;
}

export function keyringMessage(household: Household): ToIngest {
  return { type: "keyring", statements: household.statements() };
}
