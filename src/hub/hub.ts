import { chmod } from "node:fs/promises";
import path from "node:path";
import { makePrivateDirectory, PRIVATE_DIRECTORY_MODE } from "../base/files.ts";
import { openDatabase } from "../base/database.ts";
import { VERSION } from "../base/version.ts";
import { Connections } from "../http/connections.ts";
import { addPageFiles } from "../http/page-files.ts";
import { createOutsideServer } from "../http/outside.ts";
import { createServer, type HubServer } from "../http/server.ts";
import type { HubServices } from "../http/services.ts";
import { CameraConnections } from "./connections.ts";
import type { Bells } from "./bells.ts";
import { createHealth, type Health } from "./health.ts";
import { HealthKeeper } from "./health-keeper.ts";
import { privacyGreeting } from "./privacy-links.ts";
import { sayRecovery, sweepRecordings } from "./recovery.ts";
import type { HubOptions } from "./options.ts";
import type { HubUrls } from "./parts.ts";
import { addHouseRoutes } from "./routes.ts";
import { requireNotRestoring } from "./restored.ts";
import { RecorderIntake } from "./intake.ts";
import { HubSettings } from "./settings.ts";
import { facesWhereUnsaid } from "../settings/blur.ts";
import { keyringMessage, openServices, PAGE_DIRECTORY } from "./services.ts";
import { configurationFor, type FromIngest, type ToIngest } from "../ingest/messages.ts";
import { IngestProcess } from "../ingest/process.ts";
import { openLedgerKey } from "../keys/hub-keys.ts";
import { openBells } from "./open-bells.ts";
import { followTime } from "./open-notices.ts";
import { openNotifySecrets } from "../settings/notify.ts";
import { openPushKeys } from "../notify/push-keys.ts";
import { LedgerClock } from "../ledger/clock-work.ts";
import { HubError } from "../protocol/errors.ts";

const EXPIRY_CHECK_MS = 10_000;
const SPACE_CHECK_MS = 10_000;
const PRIVACY_CHECK_MS = 1_000;
const DATABASE_FILE = "doorward.db";
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** A running hub. Leaving the scope ends it, in the opposite order of its start. */
export class Hub implements AsyncDisposable {
  readonly services: HubServices;
  readonly server: HubServer;
  readonly url: string;
  readonly outsideUrl: string | null;
  readonly ingest: IngestProcess;
  readonly bells: Bells;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: {
    services: HubServices;
    server: HubServer;
    url: string;
    outsideUrl: string | null;
    ingest: IngestProcess;
    bells: Bells;
    stack: AsyncDisposableStack;
  }) {
    this.services = parts.services;
    this.server = parts.server;
    this.url = parts.url;
    this.outsideUrl = parts.outsideUrl;
    this.ingest = parts.ingest;
    this.bells = parts.bells;
    this.#stack = parts.stack;
  }

  static async start(options: HubOptions): Promise<Hub> {
    await using stack = new AsyncDisposableStack();
    const { dataDirectory, settings, log } = options;
    const { clipsDirectory, ledgerKey, database } = await openData(dataDirectory, stack);
    const urls: HubUrls = { main: "", outside: null };
    const hubSettings = openSettings(options);
    const keeper = new HealthKeeper({
      ...{ database, log, settings: () => hubSettings.current.health },
      nowMs: options.nowMs ?? Date.now,
      upMs: options.monotonicMs ?? (() => performance.now()),
    });
    const health = createHealth(settings.cameras, keeper, options.blurAbility);
    const connections = new CameraConnections(
      new Connections(database, options.nowMs ?? Date.now, (message) => log("warn", message)),
      settings.cameras,
    );
    let tellIngest = (_message: ToIngest): void => undefined;
    const bells = await openBells({
      ...{ dataDirectory, settings: hubSettings, connections: connections.log, log },
      nowMs: options.nowMs ?? Date.now,
      monotonicMs: options.monotonicMs ?? (() => performance.now()),
      tellIngest: (message) => tellIngest(message),
      tellPages: (camera) =>
        camera ? services.news.tellRing(camera) : services.news.tell("bells"),
    });
    const services = openServices({
      ...{ options, database, ledgerKey, clipsDirectory, urls, health },
      settings: hubSettings,
      ...{ connections, bells, notifySecrets: await openNotifySecrets(dataDirectory) },
      pushKeys: await pushKeysOrNull(path.join(dataDirectory, "secrets"), log),
      tellIngest: (message) => tellIngest(message),
    });
    stack.use(services.retention);
    const clock = openClock(services, options);
    await onAnyDisk("heartbeat not entered", services, options, () => clock.begin());
    await settlePast(services, options);
    const server = await mainServer(services, options.pageDirectory ?? PAGE_DIRECTORY);
    stack.defer(() => server.close());
    urls.main = await listen(server, settings.port);
    stack.use(services.lan);
    urls.outside = await listenOutside(services, options, stack);
    const intake = openIntake(services, log);
    // After the process has ended and before the database closes: its last words are that clips
    // are whole.
    stack.defer(() => intake.flush());
    const ingest = stack.use(
      startIngest({
        ...{ services, health, connections, bells, clipsDirectory, settings: hubSettings },
        ...{ options, intake },
      }),
    );
    health.setIngest(ingest);
    tellIngest = (message) => ingest.send(message);
    stack.use(bells).open();
    useDoors(stack, services, options, health);
    stack.defer(() => connections.forgetStreams());
    stack.use(sweepRecordings(services.clips, log));
    stack.use(startTimers(services, connections, options, clock));
    await services.lan.open();
    log("info", `listening on ${urls.main}`);
    return new Hub({
      services,
      server,
      url: urls.main,
      outsideUrl: urls.outside,
      ingest,
      bells,
      stack: stack.move(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

async function openData(dataDirectory: string, stack: AsyncDisposableStack) {
  requireNotRestoring(dataDirectory);
  const clipsDirectory = path.join(dataDirectory, "clips");
  await makePrivateDirectory(clipsDirectory);
  // Somebody may have made the folder by hand, to put the settings into it.
  await chmod(dataDirectory, PRIVATE_DIRECTORY_MODE);
  const ledgerKey = await openLedgerKey(path.join(dataDirectory, "secrets"));
  const database = stack.use(openDatabase(path.join(dataDirectory, DATABASE_FILE)));
  return { clipsDirectory, ledgerKey, database };
}

function openSettings({ dataDirectory, settings, settingsFile, ...options }: HubOptions) {
  return new HubSettings({
    ...{ dataDirectory, settings, settingsFile: settingsFile ?? null },
    environment: options.environment ?? {},
    facesUnsaid: facesWhereUnsaid(options.blurAbility ?? { canBlur: false, reason: null }),
  });
}

/** What only notifications need keeps no hub from recording. */
async function pushKeysOrNull(secretsDirectory: string, log: HubOptions["log"]) {
  try {
    return await openPushKeys(secretsDirectory);
  } catch (error) {
    if (!(error instanceof HubError) && !(error instanceof Error && "syscall" in error))
      throw error;
    log("warn", `nothing is pushed to phones: ${error.message}`);
    return null;
  }
}

/** What has sockets or programs of its own, which end with the hub. */
function useDoors(
  stack: AsyncDisposableStack,
  services: HubServices,
  options: HubOptions,
  health: Health,
): void {
  const { live, talk, news, chime, mailbox, copy, notices, house, push } = services;
  for (const each of [push, live, talk, news, chime, mailbox, copy, notices, house])
    stack.use(each);
  stack.use(followTime(services, options, health));
  push.open();
  chime.configure();
  house.configure();
  mailbox.configure();
  copy.configure();
}

/** What the last run left unfinished, before anything new begins. */
async function settlePast(services: HubServices, options: HubOptions): Promise<void> {
  const { log } = options;
  await onAnyDisk("cameras not switched", services, options, () => services.privacy.settle());
  await services.retention.finish();
  await services.renditions.settleUnfinished();
  await services.documents.finish();
  await services.rewraps.finish();
  sayRecovery({ torn: await services.clips.settleRecorder() }, log);
  const settle = () => settleRequests(services, log);
  await onAnyDisk("requests not settled", services, options, settle);
}

/** What time alone does to requests: expiry, the end of a veto window, the end of a pick-up. */
function settleRequests(services: HubServices, log: HubOptions["log"]): void {
  const { household, requests, withdrawals, decisions, clockTrust } = services;
  clockTrust.look();
  if (!household.keyring) return;
  withdrawals.settle();
  requests.expireDue(household.keyring.head);
  for (const { request, isNew } of decisions.settle())
    if (isNew) log("warn", `request ${request} is approved, and its release cannot be made`);
}

function dropIdleUploads({ renditions }: HubServices, { log }: HubOptions): void {
  renditions.dropIdle().catch((error: unknown) => {
    log("warn", `unfinished upload: ${error instanceof Error ? error.message : "?"}`);
  });
}

/** A clock that a test moves has no jumps; what the hub's own does beside it, is one. */
function openClock({ ledger, nowMs }: HubServices, options: HubOptions): LedgerClock {
  const monotonicMs = options.monotonicMs ?? options.nowMs ?? (() => performance.now());
  return new LedgerClock({ ledger, nowMs, monotonicMs });
}

/**
 * What time alone does. On a full disk the hub goes on without it, and tries again at the next turn:
 * thrown out of a timer, it would end the process, and the recording with it.
 */
async function onAnyDisk(
  trouble: string,
  { retention }: HubServices,
  { log }: HubOptions,
  work: () => void,
): Promise<void> {
  try {
    await retention.withRoom(work);
  } catch (error) {
    log("warn", `${trouble}: ${error instanceof Error ? error.message : "?"}`);
  }
}

function startTimers(
  services: HubServices,
  connections: CameraConnections,
  options: HubOptions,
  clock: LedgerClock,
): Disposable {
  const expiry = setInterval(() => {
    const keep = (trouble: string, work: () => void) =>
      void onAnyDisk(trouble, services, options, work);
    keep("requests not settled", () => settleRequests(services, options.log));
    connections.keep();
    keep("time of the recovery notice not counted", () => {
      if (services.household.keyring) services.keyringDesk.countTime();
    });
    keep("heartbeat not entered", () => clock.tick());
  }, EXPIRY_CHECK_MS);
  const privacy = setInterval(() => {
    const settle = () => services.privacy.settle();
    if (services.privacy.isDue()) void onAnyDisk("cameras not switched", services, options, settle);
  }, PRIVACY_CHECK_MS);
  const space = setInterval(() => {
    services.retention.wake();
    dropIdleUploads(services, options);
    void services.rewraps.finish();
  }, SPACE_CHECK_MS);
  return {
    [Symbol.dispose]: () => {
      clearInterval(expiry);
      clearInterval(space);
      clearInterval(privacy);
    },
  };
}

/** @returns The public address of the outside listener, or null where there is none. */
async function listenOutside(
  services: HubServices,
  { settings }: HubOptions,
  stack: AsyncDisposableStack,
): Promise<string | null> {
  if (!settings.outside) return null;
  const outside = await createOutsideServer(services, {
    version: VERSION,
    hostNames: [...LOOPBACK_NAMES, ...hostNameOf(settings.outside.url)],
    logLevel: "warn",
  });
  stack.defer(() => outside.close());
  const listening = await listen(outside, settings.outside.port);
  return settings.outside.url ?? listening;
}

async function mainServer(services: HubServices, pageDirectory: string): Promise<HubServer> {
  const server = await createServer({
    sessions: services.sessions,
    noticeSecrets: services.push,
    version: VERSION,
    hostNames: LOOPBACK_NAMES,
    logLevel: "warn",
  });
  await addPageFiles(server, pageDirectory, () => services.mailbox.origins());
  addHouseRoutes(server, services);
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

function openIntake(
  { clips, retention, notices, news }: HubServices,
  log: HubOptions["log"],
): RecorderIntake {
  return new RecorderIntake({
    ...{ clips, retention, log },
    onTaken: (event) => {
      notices.recorded(event);
      news.tell("clips", event.clip);
    },
  });
}

function startIngest(parts: {
  services: HubServices;
  health: Health;
  connections: CameraConnections;
  bells: Bells;
  clipsDirectory: string;
  settings: HubSettings;
  options: HubOptions;
  intake: RecorderIntake;
}): IngestProcess {
  const { services, health, connections, bells, clipsDirectory, settings } = parts;
  const { options, intake } = parts;
  const { log } = options;
  const { household, clips, retention, live } = services;
  return IngestProcess.start({
    greet: () => [
      ...privacyGreeting(services.privacy),
      configurationFor(clipsDirectory, settings.current),
      ...(household.keyring ? [keyringMessage(household)] : []),
      ...bells.unsettled(),
      ...live.watches.map((stream): ToIngest => ({ type: "watch", ...stream, on: true })),
    ],
    onPicture: (picture) => live.take(picture),
    onMessage: (message: FromIngest) => {
      const news = health.observe(message);
      connections.observe(message);
      if (message.type === "rang") bells.settle(message);
      if (message.type === "camera") live.setState(message.camera, message.role, message.report);
      if (news) log(news.level, news.text);
      if (message.type === "camera" || news) services.news.tell("cameras");
      if (message.type === "trouble" && message.code === "RECORDER_DISK_FULL") retention.wake();
      if (message.type === "recorder") intake.take(message.event);
    },
    onMalformed: (reason) => log("warn", `ingest process: ${reason}`),
    onExit: async (reason) => {
      health.forgetStreams();
      connections.forgetStreams();
      live.ingestGone();
      log("warn", `the ingest process ended (${reason}); starting it again`);
      await intake.flush();
      sayRecovery({ torn: await clips.settleRecorder() }, log);
    },
  });
}
