import path from "node:path";
import type { CertificateState } from "../http/certificate-server.ts";
import type { LanDesk, LanName, LanState } from "../http/lan-desk.ts";
import {
  isLoopback,
  openCertificateDoor,
  openLanDoor,
  openProxyDoor,
  type LanDoor,
} from "./lan-doors.ts";
import type { HubLanOptions, Wanted } from "./lan-parts.ts";
import { addressesOf } from "./lan-addresses.ts";
import { NameChoice } from "./lan-choice.ts";
import {
  certificatePageOf,
  hostOfAddress,
  listenTrouble,
  nameSaid,
  requireName,
  troubleOf,
  wellAgain,
} from "./lan-words.ts";
import { LanCertificates } from "../lan/lan-certificates.ts";
import { LanNames } from "../lan/lan-names.ts";
import { ProvenPeers } from "../lan/lanes.ts";
import { Mdns } from "../lan/mdns.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { DEFAULT_NAME, LAN_DEFAULT, type LanSettings } from "../settings/listen.ts";

const LOOK_EVERY_MS = 15_000;
const CERTIFICATES_DIRECTORY = path.join("secrets", "lan");

/**
 * The hub on the local network: open as the settings have it or until the claim, under one name, or
 * two while the household moves from one to the other.
 */
export class HubLan implements LanDesk, AsyncDisposable {
  readonly #options: HubLanOptions;
  readonly #names: LanNames;
  readonly #certificates: LanCertificates;
  readonly #proven: ProvenPeers;
  readonly #choice: NameChoice;
  readonly #hostNames: string[] = [];
  /** Of the certificate page, which is also called by address. */
  readonly #pageNames: string[] = [];
  #mdns: Mdns | null = null;
  #door: LanDoor | null = null;
  #certificateDoor: LanDoor | null = null;
  #proxyDoor: LanDoor | null = null;
  /** Ports and proxy with which the doors were opened. */
  #openedAs = "";
  #problems: string[] = [];
  #saidTrouble: string | null = null;
  #isEnded = false;
  #timer: NodeJS.Timeout | null = null;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: HubLanOptions) {
    const { database, dataDirectory, nowMs } = options;
    this.#options = options;
    this.#names = new LanNames(database);
    this.#proven = new ProvenPeers(() => performance.now());
    this.#certificates = new LanCertificates({
      ...{ directory: path.join(dataDirectory, CERTIFICATES_DIRECTORY), nowMs },
      isClockBelieved: () => options.services().clockTrust.isBelieved(),
    });
    this.#choice = new NameChoice({
      ...{ names: this.#names, certificates: this.#certificates },
      isClaimed: () => this.#isClaimed(),
      isWritten: () => this.#isWritten(),
      inForce: () => this.#wanted().names,
      configure: () => this.configure(),
      takenBy: async (name) => {
        const found = await this.#mdns?.settled(name);
        return found?.state === "taken" ? found.by : null;
      },
    });
  }

  /** Opens what is to be open; resolves when it is, or when `state` says why it is not. */
  async open(): Promise<void> {
    if (this.#options.lan === null) return;
    const { lookEveryMs = LOOK_EVERY_MS } = this.#options.lan;
    this.#timer = setInterval(() => void this.configure(), lookEveryMs);
    this.#timer.unref();
    await this.configure();
  }

  /** After each change of settings, names or claim: one after the other. Never throws. */
  configure(): Promise<void> {
    this.#tail = this.#tail
      .then(() => this.#reconcile())
      .catch((error: unknown) => this.#failed(error));
    return this.#tail;
  }

  state(): LanState {
    const wanted = this.#wanted();
    const [name = DEFAULT_NAME, moving] = wanted.names;
    const { proxy } = wanted.settings;
    const isOpen = this.#door !== null && this.#door.listener.addresses.length > 0;
    const shown = this.#certificates.shown(name);
    const page = this.#certificateDoor?.listener;
    return {
      ...this.#nameState(name),
      ...(proxy && this.#isProxied() ? { origin: proxy.origin } : {}),
      isOpen,
      addresses: this.#door?.listener.addresses ?? [],
      certificatePage: page ? certificatePageOf(name, page) : null,
      certificate: proxy ? "proxy" : isOpen ? (shown?.kind ?? null) : null,
      expiresAtMs: proxy ? null : (shown?.notAfterMs ?? null),
      moving: moving === undefined ? null : this.#nameState(moving),
      trouble: this.#trouble(wanted),
    };
  }

  origins(): readonly string[] {
    const { names, settings } = this.#wanted();
    const own = names.map((name) => this.#nameState(name).origin);
    const proxied = settings.proxy && this.#isProxied() ? [settings.proxy.origin] : [];
    return [...proxied, ...own.filter((origin) => origin !== null)];
  }

  async chooseName(name: string): Promise<LanState> {
    this.#requireOpen();
    await this.#choice.choose(name);
    const state = this.state();
    this.#options.log("info", nameSaid(state, this.#choice.former));
    return state;
  }

  async moveTo(name: string): Promise<LanState> {
    this.#requireOpen();
    requireName(name);
    const { names } = this.#wanted();
    if (names.length > 1)
      throw new HubError("LAN_MOVING", "Cannot move: a move is under way; end it first");
    if (names.includes(name))
      throw new MalformedInput("name", "Cannot move: the hub goes by that name already");
    this.#names.set("moving", name);
    await this.configure();
    return this.state();
  }

  async endMove(name: string): Promise<LanState> {
    const { names } = this.#wanted();
    const moving = this.#names.get("moving");
    if (moving === null) throw new HubError("LAN_NOT_MOVING", "Cannot end the move: there is none");
    if (!names.includes(name))
      throw new MalformedInput("name", `Cannot end the move: expected ${names.join(" or ")}`);
    this.#names.set("moving", null);
    try {
      if (name === moving) await this.#options.settings.setListen({ name });
    } catch (error) {
      this.#names.set("moving", moving);
      throw error;
    }
    // Whoever asked may have asked under the name that goes: he is answered first.
    void this.configure();
    return this.state();
  }

  async setOpen(isOpen: boolean): Promise<LanState> {
    const [name = DEFAULT_NAME] = this.#wanted().names;
    await this.#options.settings.setListen(isOpen ? { lan: true, name } : { lan: false });
    if (isOpen) await this.configure();
    return this.state();
  }

  async claimed(throughLan: boolean): Promise<void> {
    const { settings, log } = this.#options;
    const [name = DEFAULT_NAME] = this.#wanted().names;
    if (throughLan && !this.#isProxiedOnly())
      await settings.setListen({ lan: true, name }).catch((error: unknown) => {
        // Who has just claimed may have no other way to the hub.
        this.#names.set("chosen", name);
        const found = error instanceof Error ? error.message : "unknown";
        log("warn", `the local network stays open, though the settings do not say so: ${found}`);
      });
    else {
      this.#names.set("chosen", null);
      void this.configure();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    if (this.#timer) clearInterval(this.#timer);
    await this.#tail;
    this.#mdns?.[Symbol.dispose]();
    await this.#door?.[Symbol.asyncDispose]();
    await this.#certificateDoor?.[Symbol.asyncDispose]();
    await this.#proxyDoor?.[Symbol.asyncDispose]();
  }

  #wanted(): Wanted {
    const { settings, lan } = this.#options;
    const written = settings.current.lan ?? LAN_DEFAULT;
    const name = written.name ?? this.#names.get("chosen") ?? DEFAULT_NAME;
    const moving = this.#names.get("moving");
    return {
      settings: written,
      names: moving === null || moving === name ? [name] : [name, moving],
      isOpen: lan !== null && (written.isOpen ?? this.#isOpenUnsaid()),
    };
  }

  async #reconcile(): Promise<void> {
    if (this.#isEnded || this.#options.lan === null) return;
    const wanted = this.#wanted();
    this.#problems = [];
    try {
      const { port, certificatePort, proxy } = wanted.settings;
      const openedAs = JSON.stringify({ port, certificatePort, proxy });
      if (openedAs !== this.#openedAs) await this.#closeDoors();
      this.#openedAs = openedAs;
      await this.#openProxy(wanted);
      if (wanted.isOpen) await this.#openDoor(wanted);
      else await this.#closeDoor();
    } catch (error) {
      this.#problems.push(error instanceof Error ? error.message : "unknown");
    }
    this.#sayTrouble(wanted);
  }

  async #openDoor({ names, settings }: Wanted): Promise<void> {
    const addresses = addressesOf(this.#options.lan);
    await this.#certificates.show(names, settings.certificate);
    this.#hostNames.splice(0, this.#hostNames.length, ...names);
    this.#door ??= await openLanDoor(this.#doorOptions(settings));
    const own = addresses.map(({ address }) => address);
    this.#sayFailed(await this.#door.listener.listenOn(own), settings.port);
    await this.#openCertificatePage(own, { names, settings });
    if (this.#options.lan?.mdns === false) return;
    this.#mdns ??= new Mdns({
      monotonicMs: () => performance.now(),
      onChange: () => void this.#tail.then(() => this.#look()).catch(() => undefined),
    });
    await this.#mdns.show(
      names.filter((name) => name.endsWith(".local")),
      addresses,
    );
  }

  async #openCertificatePage(
    addresses: readonly string[],
    { names, settings }: Pick<Wanted, "names" | "settings">,
  ): Promise<void> {
    const hosts = addresses.map(hostOfAddress);
    this.#pageNames.splice(0, this.#pageNames.length, ...names, ...hosts);
    this.#certificateDoor ??= await openCertificateDoor(
      {
        hostNames: this.#pageNames,
        state: () => this.#pageState(),
        chooseName: (name) => this.chooseName(name),
      },
      this.#doorOptions(settings),
    );
    const failed = await this.#certificateDoor.listener.listenOn(addresses);
    this.#sayFailed(failed, settings.certificatePort);
  }

  #pageState(): CertificateState {
    const { name, origin, moving } = this.state();
    // To whom the house is new, it shows where the household goes and not where it comes from.
    const shown = moving?.name ?? name;
    return {
      isClaimed: this.#isClaimed(),
      isNamed: this.#isWritten() || this.#names.get("chosen") !== null,
      name: shown,
      former: this.#choice.former,
      origin: moving?.origin ?? origin,
      authority: this.#certificates.shown(shown)?.authority ?? null,
    };
  }

  async #openProxy({ settings }: Wanted): Promise<void> {
    const from = settings.proxy?.from.filter(isLoopback) ?? [];
    if (from.length === 0) return;
    this.#proxyDoor ??= await openProxyDoor(this.#doorOptions(settings));
    const own = new Set(from.map((address) => (address === "::1" ? "::1" : "127.0.0.1")));
    const failed = await this.#proxyDoor.listener.listenOn([...own]);
    // A machine without IPv6 has no ::1, and its proxy does not call from there.
    this.#sayFailed(
      failed.filter(({ code }) => code !== "EADDRNOTAVAIL"),
      settings.port,
    );
  }

  #doorOptions(settings: LanSettings): Parameters<typeof openLanDoor>[0] {
    return {
      services: this.#options.services(),
      pageDirectory: this.#options.pageDirectory,
      settings,
      hostNames: this.#hostNames,
      certificates: this.#certificates,
      proven: this.#proven,
      monotonicMs: () => performance.now(),
    };
  }

  async #closeDoors(): Promise<void> {
    await this.#closeDoor();
    const proxyDoor = this.#proxyDoor;
    this.#proxyDoor = null;
    await proxyDoor?.close();
  }

  async #closeDoor(): Promise<void> {
    const door = this.#door;
    this.#mdns?.[Symbol.dispose]();
    this.#mdns = null;
    this.#door = null;
    const certificateDoor = this.#certificateDoor;
    this.#certificateDoor = null;
    await Promise.all([door?.close(), certificateDoor?.close()]);
  }

  #nameState(name: string): LanName {
    const listener = this.#door?.listener;
    const isOpen = listener !== undefined && listener.addresses.length > 0;
    const authority = isOpen ? this.#certificates.shown(name)?.authority : null;
    return {
      name,
      origin: isOpen ? new URL(`https://${name}:${listener.port}`).origin : null,
      words: authority?.words ?? null,
      fingerprint: authority?.fingerprint ?? null,
    };
  }

  #isClaimed(): boolean {
    return this.#options.services().household.keyring !== null;
  }

  /** Until the claim; after one from there where the settings file could not be written. */
  #isOpenUnsaid(): boolean {
    return !this.#isClaimed() || this.#names.get("chosen") !== null;
  }

  /** Its name stands in the settings. */
  #isWritten(): boolean {
    return (this.#options.settings.current.lan?.name ?? null) !== null;
  }

  #isProxied(): boolean {
    return this.#proxyDoor !== null || this.#door !== null;
  }

  /** The claim came through a proxy of this machine, while the local network is closed. */
  #isProxiedOnly(): boolean {
    return this.#proxyDoor !== null && this.#door === null;
  }

  #requireOpen(): void {
    if (this.#door === null)
      throw new HubError(
        "LAN_CLOSED",
        "Cannot change the name: the hub does not listen on the local network",
      );
  }

  #sayFailed(failed: readonly { address: string; code: string }[], port: number): void {
    this.#problems.push(...failed.map((each) => listenTrouble(each, port)));
  }

  #trouble({ names, settings, isOpen }: Wanted): string | null {
    const own = settings.certificate ? this.#certificates.shown(names[0] ?? "") : null;
    return troubleOf({
      problems: this.#problems,
      isOpen,
      names,
      hasAddress: this.#door?.listener.addresses.length !== 0,
      ofCertificates: this.#certificates.trouble,
      isOwnUnused: settings.certificate !== null && own?.kind !== "own",
      report: (name) => this.#mdns?.report(name) ?? null,
    });
  }

  #look(): void {
    this.#sayTrouble(this.#wanted());
  }

  #failed(error: unknown): void {
    const found = error instanceof Error ? error.message : "unknown";
    this.#options.log("warn", `local network: Cannot look after it: ${found}`);
  }

  /** Once for each trouble, and once when it is over. */
  #sayTrouble(wanted: Wanted): void {
    const trouble = this.#trouble(wanted);
    if (trouble === this.#saidTrouble) return;
    const { log } = this.#options;
    if (trouble !== null) log("warn", `local network: ${trouble}`);
    else log("info", wellAgain(this.state()));
    this.#saidTrouble = trouble;
  }
}
