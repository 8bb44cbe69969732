import { randomBytes } from "node:crypto";
import type { HubDatabase } from "../base/database.ts";
import type { ConnectionPlace } from "../http/connections.ts";
import type { MailboxDesk } from "../http/mailbox-desk.ts";
import type { HubServices } from "../http/services.ts";
import { MailboxPapers } from "./mailbox-papers.ts";
import { Courier } from "../mailbox/courier.ts";
import { hubExchange } from "../mailbox/exchange.ts";
import { Mailbox } from "../mailbox/mailbox.ts";
import { MailboxRows, type KnownPlace } from "../mailbox/rows.ts";
import type { MailboxAnswer } from "../protocol/api-mailbox.ts";
import { HubError } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { openCarrier, type Carrier } from "../protocol/mailbox-carriers.ts";
import type { MailboxPlace } from "../protocol/mailbox.ts";
import { readMailboxSecrets, type MailboxSettings } from "../settings/mailbox.ts";

export interface HubMailboxOptions {
  readonly database: HubDatabase;
  readonly settings: { readonly current: { readonly mailbox?: MailboxSettings } };
  readonly dataDirectory: string;
  /** Made before the services are. */
  readonly services: () => HubServices;
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly log: (level: "info" | "warn", message: string) => void;
}

/** At the courier's pauses it is some four hours. */
const LEAVING_TRIES_MAX = 20;

/** The household's mailbox as the settings have it: off unless they name a place. */
export class HubMailbox implements MailboxDesk, AsyncDisposable {
  readonly #options: HubMailboxOptions;
  readonly #rows: MailboxRows;
  readonly #courier: Courier;
  readonly #stop = new AbortController();
  #papers: MailboxPapers | null = null;
  #mailbox: Mailbox | null = null;
  #place: MailboxPlace | null = null;
  /** As it was last used, with its login: also after the settings name another, or none. */
  #lastUsed: MailboxPlace | null = null;
  #leavingTries = 0;
  #trouble: string | null = null;
  #isStarted = false;

  constructor(options: HubMailboxOptions) {
    this.#options = options;
    this.#rows = new MailboxRows(options.database);
    this.#courier = new Courier({
      turn: () => this.#turn(),
      isWaiting: () => this.#papers?.isWaiting === true,
      onTrouble: (trouble) => {
        if (trouble !== null && this.#trouble === null) options.log("warn", trouble);
        this.#trouble = trouble;
      },
    });
  }

  /** At the start, and after each change of the settings. */
  configure(): void {
    const { mailbox } = this.#options.settings.current;
    if (!mailbox) this.#place = null;
    if (this.#isStarted) return this.#courier.wake();
    // Also where the settings name none any more, and something still lies where it was.
    if (!mailbox && !this.#rows.isElsewhere(null)) return;
    this.#isStarted = true;
    this.#courier.start();
  }

  wake(): void {
    if (this.#isStarted) this.#courier.wake();
  }

  /** One turn, at once. */
  async now(): Promise<void> {
    await this.#courier.now();
  }

  origins(): readonly string[] {
    const { mailbox } = this.#options.settings.current;
    return mailbox ? [new URL(mailbox.url).origin] : [];
  }

  handedOut(device: DeviceId, size: number): void {
    if (this.#options.settings.current.mailbox) this.#rows.seen(device, size, true);
  }

  answerFor(device: DeviceId): MailboxAnswer {
    const row = this.#place ? this.#rows.device(device) : null;
    return {
      place: this.#place,
      item: row?.stateItem ?? null,
      putAtMs: row?.putAtMs ?? null,
      trouble: this.#trouble,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#courier[Symbol.asyncDispose]();
  }

  async #turn(): Promise<void> {
    const { settings, dataDirectory, services } = this.#options;
    const { mailbox } = settings.current;
    if (!services().household.keyring) return;
    if (!mailbox && !this.#rows.isElsewhere(null)) return;
    this.#papers ??= new MailboxPapers(services(), this.#rows, this.#options.sign);
    const own = (this.#mailbox ??= new Mailbox(
      { ...this.#papers.house(), random: randomBytes },
      this.#rows,
    ));
    await this.#leaveOther(own, mailbox ?? null);
    if (!mailbox) return;
    const { kind, url, spaceBytes } = mailbox;
    const place = { kind, url, ...(await readMailboxSecrets(dataDirectory)) };
    this.#rows.settlePlace(place);
    [this.#place, this.#lastUsed] = [place, place];
    await this.#reach(place, async (carrier) => own.turn(carrier, spaceBytes));
  }

  /**
   * Removes what lies where the settings name the mailbox no more. Another place waits for one try of
   * that; where there is none any more, it is tried again for some hours.
   */
  async #leaveOther(mailbox: Mailbox, now: MailboxSettings | null): Promise<void> {
    if (!this.#rows.isElsewhere(now)) return;
    const known = this.#rows.knownPlace();
    const place = known && (await this.#placeToLeave(known, now));
    try {
      if (!place) throw new HubError("CARRIER_FAILED", "Cannot remove: its login is not known");
      await this.#reach(place, async (carrier) => mailbox.leave(carrier));
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#leavingTries += 1;
      if (place && !now && this.#leavingTries < LEAVING_TRIES_MAX) throw error;
      const at = known ? ` at ${connectionPlace(known.url).address}` : "";
      this.#options.log(
        "warn",
        `what lies in the mailbox${at} that is used no more stays there: delete it yourself`,
      );
    }
    this.#leavingTries = 0;
    this.#rows.forgetPlace();
  }

  /** The login of one server goes to no other: null where the one of the place is not known. */
  async #placeToLeave(
    known: KnownPlace,
    now: MailboxSettings | null,
  ): Promise<MailboxPlace | null> {
    const used = this.#lastUsed;
    if (used && used.kind === known.kind && used.url === known.url) return used;
    if (now && new URL(now.url).origin !== new URL(known.url).origin) return null;
    return { ...known, ...(await readMailboxSecrets(this.#options.dataDirectory)) };
  }

  async #reach(place: MailboxPlace, work: (carrier: Carrier) => Promise<void>): Promise<void> {
    const at = connectionPlace(place.url);
    const { connections } = this.#options.services();
    // Before the first byte goes there.
    connections.mention(at);
    const exchange = hubExchange((hasAnswered) => {
      if (hasAnswered) connections.connected(at);
      else connections.disconnected(at);
    }, this.#stop.signal);
    try {
      await work(openCarrier(place, exchange));
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      if (!(error instanceof HubError))
        this.#options.log("warn", `mailbox: ${error instanceof Error ? error.message : "?"}`);
      throw error;
    } finally {
      connections.disconnected(at);
    }
  }
}

function connectionPlace(url: string): ConnectionPlace {
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === "https:" ? "443" : "80";
  return { what: "mailbox", address: `${hostname}:${port === "" ? usual : port}` };
}
