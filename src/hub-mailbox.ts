import { randomBytes } from "node:crypto";
import type { HubDatabase } from "./base/database.ts";
import type { ConnectionPlace } from "./http/connections.ts";
import type { MailboxDesk } from "./http/mailbox-desk.ts";
import type { HubServices } from "./http/services.ts";
import { MailboxPapers } from "./hub-mailbox-papers.ts";
import { Courier } from "./mailbox/courier.ts";
import { hubExchange } from "./mailbox/exchange.ts";
import { Mailbox } from "./mailbox/mailbox.ts";
import { MailboxRows } from "./mailbox/rows.ts";
import type { MailboxAnswer } from "./protocol/api-mailbox.ts";
import { sha256Hex, utf8Bytes } from "./protocol/bytes.ts";
import { HubError } from "./protocol/errors.ts";
import type { DeviceId } from "./protocol/ids.ts";
import { openCarrier } from "./protocol/mailbox-carriers.ts";
import type { MailboxPlace } from "./protocol/mailbox.ts";
import { readMailboxSecrets, type MailboxSettings } from "./settings-mailbox.ts";

export interface HubMailboxOptions {
  readonly database: HubDatabase;
  readonly settings: { readonly current: { readonly mailbox?: MailboxSettings } };
  readonly dataDirectory: string;
  /** Made before the services are. */
  readonly services: () => HubServices;
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly log: (level: "info" | "warn", message: string) => void;
}

/** The household's mailbox as the settings have it: off unless they name a place. */
export class HubMailbox implements MailboxDesk, AsyncDisposable {
  readonly #options: HubMailboxOptions;
  readonly #rows: MailboxRows;
  readonly #courier: Courier;
  readonly #stop = new AbortController();
  #papers: MailboxPapers | null = null;
  #mailbox: Mailbox | null = null;
  #place: MailboxPlace | null = null;
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
    if (!mailbox || this.#isStarted) return;
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
    if (!mailbox || !services().household.keyring) return;
    this.#papers ??= new MailboxPapers(services(), this.#rows, this.#options.sign);
    this.#mailbox ??= new Mailbox({ ...this.#papers.house(), random: randomBytes }, this.#rows);
    const { kind, url, spaceBytes } = mailbox;
    const place = { kind, url, ...(await readMailboxSecrets(dataDirectory)) };
    this.#rows.settlePlace(sha256Hex(utf8Bytes(`${kind} ${url}`)));
    this.#place = place;
    const at = connectionPlace(url);
    const { connections } = services();
    // Before the first byte goes there.
    connections.mention(at);
    const exchange = hubExchange((hasAnswered) => {
      if (hasAnswered) connections.connected(at);
      else connections.disconnected(at);
    }, this.#stop.signal);
    try {
      await this.#mailbox.turn(openCarrier(place, exchange), spaceBytes);
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
