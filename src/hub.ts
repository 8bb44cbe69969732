import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import path from "node:path";
import { makePrivateDirectory, PRIVATE_DIRECTORY_MODE } from "./base/files.ts";
import { openDatabase, type HubDatabase } from "./base/database.ts";
import { sealBytes } from "./clips/sealed-file.ts";
import { Retention } from "./clips/retention.ts";
import { RETENTION_DEFAULT } from "./clips/retention-plan.ts";
import { ClipStore } from "./clips/store.ts";
import type { BundleSource } from "./consent/bundle.ts";
import { createDecisions } from "./consent/decisions.ts";
import { createReleasedClips } from "./consent/released-clips.ts";
import { RequestStore } from "./consent/requests.ts";
import { createClaimDesk } from "./http/claim.ts";
import { addClipRoutes } from "./http/clip-routes.ts";
import { addConsentRoutes, addPickUpRoute } from "./http/consent-routes.ts";
import { addHouseholdRoutes } from "./http/household-routes.ts";
import { addLedgerRoutes } from "./http/ledger-routes.ts";
import { addRetentionRoutes } from "./http/retention-routes.ts";
import { createOutsideServer } from "./http/outside.ts";
import { Pairings } from "./http/pairings.ts";
import { createServer, type HubServer } from "./http/server.ts";
import { Sessions } from "./http/sessions.ts";
import type { HubServices } from "./http/services.ts";
import { addStatusPage } from "./http/status-page.ts";
import { createHealth, type Health } from "./hub-health.ts";
import type { FromIngest, ToIngest } from "./ingest-messages.ts";
import { IngestProcess } from "./ingest-process.ts";
import { Household } from "./keys/household.ts";
import { openLedgerKey, type LedgerKey } from "./keys/hub-keys.ts";
import { Ledger } from "./ledger/ledger.ts";
import { parseRecipient } from "./protocol/age-header.ts";
import { toHex } from "./protocol/bytes.ts";
import { sealedFileName } from "./protocol/clip.ts";
import { HubError } from "./protocol/errors.ts";
import { parseSha256Hex } from "./protocol/ids.ts";
import type { Keyring, KeyringPosition } from "./protocol/keyring.ts";
import type { LedgerEntry } from "./protocol/ledger-entry.ts";
import type { Settings } from "./settings.ts";

export interface HubOptions {
  readonly dataDirectory: string;
  readonly settings: Settings;
  readonly nowMs?: () => number;
  /** Replaced in tests that compare whole histories byte for byte. */
  readonly random?: (size: number) => Uint8Array;
  readonly log: (level: "info" | "warn", message: string) => void;
}

const EXPIRY_CHECK_MS = 10_000;
const SPACE_CHECK_MS = 10_000;
const DATABASE_FILE = "doorward.db";
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

export const VERSION = (
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  }
).version;

/** A running hub. Leaving the scope closes it, recordings first. */
export class Hub implements AsyncDisposable {
  readonly services: HubServices;
  readonly server: HubServer;
  readonly url: string;
  readonly outsideUrl: string | null;
  readonly ingest: IngestProcess;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: {
    services: HubServices;
    server: HubServer;
    url: string;
    outsideUrl: string | null;
    ingest: IngestProcess;
    stack: AsyncDisposableStack;
  }) {
    this.services = parts.services;
    this.server = parts.server;
    this.url = parts.url;
    this.outsideUrl = parts.outsideUrl;
    this.ingest = parts.ingest;
    this.#stack = parts.stack;
  }

  static async start(options: HubOptions): Promise<Hub> {
    await using stack = new AsyncDisposableStack();
    const { dataDirectory, settings, log } = options;
    const clipsDirectory = path.join(dataDirectory, "clips");
    await makePrivateDirectory(clipsDirectory);
    // Somebody may have made the folder by hand, to put the settings into it.
    await chmod(dataDirectory, PRIVATE_DIRECTORY_MODE);
    const ledgerKey = await openLedgerKey(path.join(dataDirectory, "secrets"));
    const database = stack.use(openDatabase(path.join(dataDirectory, DATABASE_FILE)));
    const urls = { main: "", outside: null as string | null };
    const health = createHealth(settings);
    const services = openServices({ options, database, ledgerKey, clipsDirectory, urls, health });
    stack.use(services.retention);
    await settlePast(services, options);
    const server = await mainServer(services);
    stack.defer(() => server.close());
    urls.main = await listen(server, settings.port);
    if (settings.outside) {
      const outside = await createOutsideServer(services, {
        version: VERSION,
        hostNames: [...LOOPBACK_NAMES, ...hostNameOf(settings.outside.url)],
        logLevel: "warn",
      });
      stack.defer(() => outside.close());
      const listening = await listen(outside, settings.outside.port);
      urls.outside = settings.outside.url ?? listening;
    }
    const taken = { all: Promise.resolve() };
    // After the process has ended and before the database closes: its last words are that clips
    // are whole.
    stack.defer(() => taken.all);
    const ingest = stack.use(startIngest(services, health, clipsDirectory, options, taken));
    health.setIngest(ingest);
    ingestOf.set(services, ingest);
    const timer = setInterval(() => expireDue(services), EXPIRY_CHECK_MS);
    stack.defer(() => clearInterval(timer));
    const spaceTimer = setInterval(() => services.retention.wake(), SPACE_CHECK_MS);
    stack.defer(() => clearInterval(spaceTimer));
    log("info", `listening on ${urls.main}`);
    return new Hub({
      services,
      server,
      url: urls.main,
      outsideUrl: urls.outside,
      ingest,
      stack: stack.move(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Services are made before the process that some of them talk to. */
const ingestOf = new WeakMap<HubServices, IngestProcess>();

function openServices(parts: {
  options: HubOptions;
  database: HubDatabase;
  ledgerKey: LedgerKey;
  clipsDirectory: string;
  urls: { main: string; outside: string | null };
  health: Health;
}): HubServices {
  const { options, database, ledgerKey, clipsDirectory, urls, health } = parts;
  const nowMs = options.nowMs ?? Date.now;
  const { origin, publicKey } = ledgerKey;
  const ledger = Ledger.open({
    database,
    origin,
    publicKey,
    sign: (message) => ledgerKey.sign(message),
  });
  const appendEntry = (entry: LedgerEntry): number => ledger.append(entry);
  const entered = (): KeyringPosition | null => enteredKeyring(ledger);
  const ownLedger = { origin, ledgerKey: publicKey, entered, appendEntry };
  const household = Household.open({ database, nowMs, ...ownLedger });
  const clips = ClipStore.open({ database, clipsDirectory, appendEntry, nowMs });
  const requests = new RequestStore({
    database,
    appendEntry,
    nowMs,
    ...(options.random ? { random: options.random } : {}),
  });
  const decisions = createDecisions({
    database,
    requests,
    appendEntry,
    nowMs,
    keyring: () => requireKeyring(household),
    keyringStatements: () => household.statements(),
    findFile: (clip, wanted) => findListedFile(clips, clip, sealedFileName(wanted)),
    knowsCheckpoint: (size, root) =>
      size >= 1 && size <= ledger.size() && toHex(ledger.root(size)) === root,
  });
  const services: HubServices = {
    name: options.settings.name,
    version: VERSION,
    ledger,
    ledgerKey: publicKey,
    household,
    sessions: new Sessions({ database, keyring: () => household.keyring, nowMs }),
    claimDesk: createClaimDesk(),
    pairings: new Pairings(nowMs),
    clips,
    retention: openRetention({ options, database, clips, clipsDirectory, requests, appendEntry }),
    requests,
    decisions,
    bundles: bundleSource(ledger, household, clips),
    nowMs,
    seal: (plaintext, recipients) => sealBytes(plaintext, recipients.map(parseRecipient)),
    keyringChanged: () => {
      ingestOf.get(services)?.send(keyringMessage(household));
      recordFacts(services, database, options.settings);
    },
    requestReceived: (request) =>
      options.log("info", `request ${request.id.slice(0, 8)} waits for the owner`),
    health: () => health.report(services),
    statusUrl: (token) => `${urls.outside ?? urls.main}/status/${token}`,
    intakeUrl: () => (urls.outside === null ? null : `${urls.outside}/intake`),
  };
  recordFacts(services, database, options.settings);
  return services;
}

function openRetention(parts: {
  options: HubOptions;
  database: HubDatabase;
  clips: ClipStore;
  clipsDirectory: string;
  requests: RequestStore;
  appendEntry: (entry: LedgerEntry) => number;
}): Retention {
  const { options, database, clips, clipsDirectory, requests, appendEntry } = parts;
  return Retention.open({
    ...{ database, clipsDirectory, appendEntry, store: clips, log: options.log },
    dataDirectory: options.dataDirectory,
    nowMs: options.nowMs ?? Date.now,
    rules: options.settings.retention ?? RETENTION_DEFAULT,
    released: createReleasedClips(requests),
  });
}

function bundleSource(ledger: Ledger, household: Household, clips: ClipStore): BundleSource {
  return {
    ledger,
    keyringStatements: () => household.statements(),
    pathOf: (clip, file) => clips.pathOf(clip, file),
    entryIndexOf: (clip) => clips.entryIndexOf(clip),
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

/** Software version and settings go into the ledger when they change, from the claim on. */
function recordFacts(services: HubServices, database: HubDatabase, settings: Settings): void {
  if (!services.household.keyring) return;
  const settingsSha256 = createHash("sha256").update(settings.text).digest("hex");
  const remember = (name: string, value: string, append: () => void): void => {
    const known = database
      .prepare<[string], { value: string }>("SELECT value FROM hub_facts WHERE name = ?")
      .get(name);
    if (known?.value === value) return;
    database.transaction(() => {
      append();
      database
        .prepare("INSERT OR REPLACE INTO hub_facts (name, value) VALUES (?, ?)")
        .run(name, value);
    })();
  };
  const atMs = services.nowMs();
  remember("software", VERSION, () =>
    services.ledger.append({ v: 1, kind: "software", atMs, version: VERSION }),
  );
  remember("settings", settingsSha256, () =>
    services.ledger.append({ v: 1, kind: "settings", atMs, settingsSha256 }),
  );
}

/** What the last run left unfinished, before anything new begins. */
async function settlePast(services: HubServices, { log }: HubOptions): Promise<void> {
  await services.retention.finish();
  const found = await services.clips.recoverOrphans();
  for (const clip of found.torn) log("warn", `clip ${clip} was torn by the last stop`);
  for (const { clip, name } of found.missing)
    log("warn", `file ${name} of clip ${clip} is missing`);
  if (!services.household.keyring) return;
  for (const request of services.decisions.resume())
    log("warn", `request ${request} is approved, and its release cannot be made`);
  expireDue(services);
}

function expireDue({ household, requests }: HubServices): void {
  if (household.keyring) requests.expireDue(household.keyring.head);
}

async function mainServer(services: HubServices): Promise<HubServer> {
  const server = await createServer({
    sessions: services.sessions,
    version: VERSION,
    hostNames: LOOPBACK_NAMES,
    logLevel: "warn",
  });
  addStatusPage(server, services);
  addHouseholdRoutes(server, services);
  addClipRoutes(server, services);
  addRetentionRoutes(server, services);
  addConsentRoutes(server, services);
  addPickUpRoute(server, services);
  addLedgerRoutes(server, services);
  server.get("/api/health", { config: { access: "session" } }, async () => services.health());
  server.get("/api/openapi.json", { config: { access: "public" } }, async () => server.swagger());
  return server;
}

async function listen(server: HubServer, port: number): Promise<string> {
  try {
    await server.listen({ host: "127.0.0.1", port });
  } catch (cause) {
    throw new HubError(
      "PORT_IN_USE",
      `Cannot listen on port ${port}: ${cause instanceof Error ? cause.message : "unknown"}; set DOORWARD_PORT or listen.port to a free one`,
      { cause },
    );
  }
  const address = server.server.address();
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  return `http://localhost:${address.port}`;
}

function hostNameOf(url: string | null): string[] {
  return url === null ? [] : [new URL(url).hostname];
}

function keyringMessage(household: Household): ToIngest {
  return { type: "keyring", statements: household.statements() };
}

function startIngest(
  services: HubServices,
  health: Health,
  clipsDirectory: string,
  { settings, log }: HubOptions,
  /** Resolves when all that was said of recordings so far is listed, or was reported as not. */
  taken: { all: Promise<void> },
): IngestProcess {
  const { household, clips, retention } = services;
  return IngestProcess.start({
    greet: () => [
      { type: "configure", clipsDirectory, cameras: settings.cameras },
      ...(household.keyring ? [keyringMessage(household)] : []),
    ],
    onMessage: (message: FromIngest) => {
      const news = health.observe(message);
      if (news) log(news.level, news.text);
      if (message.type === "trouble" && message.code === "RECORDER_DISK_FULL") retention.wake();
      if (message.type === "recorder") {
        // In their order, also where one has to wait for room on the disk.
        taken.all = taken.all
          .then(() => retention.withRoom(() => clips.apply(message.event)))
          .catch((error: unknown) => {
            log("warn", `recording not listed: ${error instanceof Error ? error.message : "?"}`);
          });
      }
    },
    onMalformed: (reason) => log("warn", `ingest process: ${reason}`),
    onExit: async (reason) => {
      health.forgetStreams();
      log("warn", `the ingest process ended (${reason}); starting it again`);
      await taken.all;
      const found = await clips.recoverOrphans();
      for (const clip of found.torn) log("warn", `clip ${clip} was torn`);
    },
  });
}
