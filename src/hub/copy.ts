import { stat } from "node:fs/promises";
import path from "node:path";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import type { HubDatabase } from "../base/database.ts";
import type { CopyDesk } from "../http/copy-desk.ts";
import type { HubServices } from "../http/services.ts";
import { Copier } from "../offsite/copier.ts";
import { CopyRows } from "../offsite/copy-rows.ts";
import { Pace } from "../offsite/pace.ts";
import { SealedPapers } from "../offsite/sealed-papers.ts";
import { pauseMs } from "../offsite/pause.ts";
import type { CopyState } from "../protocol/api-copy.ts";
import { COPY_LIMITS } from "../protocol/copy-format.ts";
import { HubError } from "../protocol/errors.ts";
import { hostOf, openCopyPlace, type CopyAddress, type CopySettings } from "../settings/copy.ts";

export interface HubCopyOptions {
  readonly database: HubDatabase;
  readonly databasePath: string;
  readonly dataDirectory: string;
  readonly settings: { readonly current: { readonly copy?: CopySettings; readonly text: string } };
  readonly environment: NodeJS.ProcessEnv;
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly version: string;
  readonly nowMs: () => number;
  /** Made before the services are. */
  readonly services: () => HubServices;
  /** By default where the settings say. */
  readonly openPlace?: typeof openCopyPlace;
  readonly log: (level: "info" | "warn", message: string) => void;
}

/** A disk that hangs answers no one, and the hub's stop waits for nobody longer than this. */
const STOP_MS = 3_000;
const START_MS = 20_000;
const DAY_MS = 24 * 3_600_000;
/** Several changes come one after the other. */
const SOON_MS = 3_000;

/** The copy elsewhere as the settings have it: off unless they name a place. */
export class HubCopy implements CopyDesk, AsyncDisposable {
  readonly #options: HubCopyOptions;
  readonly #rows: CopyRows;
  #copier: Copier | null = null;
  #stop = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #turn: Promise<void> | null = null;
  #pace: { readonly pace: Pace; readonly startMs: number } | null = null;
  #trouble: CopyState["trouble"] = null;
  #failures = 0;
  #known = "";
  #isSoon = false;
  #isOver = false;

  constructor(options: HubCopyOptions) {
    this.#options = options;
    this.#rows = new CopyRows(options.database);
  }

  /** At the start, and after each change of the settings. */
  configure(): void {
    const { copy } = this.#options.settings.current;
    const known = JSON.stringify(copy ?? null);
    if (known === this.#known || this.#isOver) return;
    const isFirst = this.#known === "";
    this.#known = known;
    // Where something else is said of it, the turn that runs is of no use any more.
    this.#stop.abort();
    this.#stop = new AbortController();
    [this.#trouble, this.#failures] = [null, 0];
    if (!this.#turn) void this.#settleLater();
    this.#go(isFirst ? START_MS : 0);
  }

  standing(): Pick<CopyState, "place" | "finishedAtMs"> {
    const { copy } = this.#options.settings.current;
    return {
      place: copy ? { kind: copy.at.kind, address: addressOf(copy.at) } : null,
      finishedAtMs: this.#rows.place()?.finished_at_ms ?? null,
    };
  }

  state(): CopyState {
    const { copy } = this.#options.settings.current;
    const place = this.#rows.place();
    return {
      ...this.standing(),
      running: this.#pace !== null,
      stateAtMs: place?.state_at_ms ?? null,
      behind: this.#rows.counts("waiting"),
      there: this.#rows.counts("there"),
      stays: this.#rows.stays(),
      deletions: copy?.deletions ?? "follow",
      canRemove:
        place?.can_remove === undefined || place.can_remove === null
          ? null
          : place.can_remove === 1,
      bytesPerSecond: this.#rate(),
      trouble: this.#trouble,
    };
  }

  now(): Promise<void> {
    const { settings, services } = this.#options;
    if (!settings.current.copy)
      throw new HubError("NO_COPY", "Cannot copy: the settings name no place; see docs/copies.md");
    if (!services().household.keyring)
      throw new HubError("NOT_CLAIMED", "Cannot copy: nobody has claimed this hub yet");
    const begin = async (): Promise<void> => (this.#isOver ? undefined : this.#begin());
    return this.#turn ? this.#turn.then(begin) : begin();
  }

  soon(): void {
    this.#isSoon = true;
    if (!this.#turn) this.#go(SOON_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#stop.abort();
    if (this.#timer) clearTimeout(this.#timer);
    const waited = sleep(STOP_MS, undefined, { ref: false });
    await Promise.race([this.#turn, this.#turn ? waited : undefined]);
  }

  #go(afterMs: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    if (!this.#options.settings.current.copy) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#isOver) void this.#begin();
    }, afterMs);
    this.#timer.unref();
  }

  #begin(): Promise<void> {
    this.#turn ??= this.#run().finally(() => {
      this.#turn = null;
      if (this.#isOver) return;
      void this.#settleLater();
      this.#go(this.#isSoon ? SOON_MS : this.#pauseMs());
    });
    return this.#turn;
  }

  async #run(): Promise<void> {
    this.#isSoon = false;
    const { services, settings, log } = this.#options;
    const { signal } = this.#stop;
    const { copy } = settings.current;
    if (!copy || !services().household.keyring) return;
    try {
      await this.#settle();
      signal.throwIfAborted();
      const problem = await this.#copyTo(copy, signal);
      this.#failures = 0;
      const sizeBytes = (await stat(this.#options.databasePath)).size;
      if (sizeBytes >= COPY_LIMITS.databaseNearBytes) this.#say(tooLarge(sizeBytes));
      else this.#say(problem === null ? null : { code: "COPY_INCOMPLETE", message: problem });
    } catch (error) {
      if (signal.aborted) return;
      this.#failures += 1;
      if (!(error instanceof HubError))
        log("warn", `copy: ${error instanceof Error ? error.message : "?"}`);
      const isSaid = error instanceof HubError;
      this.#say({
        code: isSaid ? error.code : "COPY_FAILED",
        message: isSaid ? error.message : "Cannot copy; the log says more. Trying again",
      });
    } finally {
      this.#pace = null;
    }
  }

  async #copyTo(copy: CopySettings, signal: AbortSignal): Promise<string | null> {
    const { connections } = this.#options.services();
    const host = hostOf(copy.at);
    const at = host === null ? null : { what: "copy", address: host };
    // Before the first byte goes there.
    if (at) connections.mention(at);
    const { dataDirectory, environment } = this.#options;
    const pace = new Pace(copy.bytesPerSecond);
    this.#pace = { pace, startMs: performance.now() };
    try {
      const { openPlace = openCopyPlace } = this.#options;
      await using place = await openPlace(copy.at, dataDirectory, environment, {
        onAnswer: (hasAnswered) => {
          if (!at) return;
          if (hasAnswered) connections.connected(at);
          else connections.disconnected(at);
        },
      });
      this.#copier ??= this.#makeCopier();
      return await this.#copier.turn({ place, pace, deletions: copy.deletions, signal });
    } finally {
      if (at) connections.disconnected(at);
    }
  }

  #makeCopier(): Copier {
    const { database, databasePath, dataDirectory, settings, sign, version, nowMs } = this.#options;
    const { ledger, household } = this.#options.services();
    const papers = new SealedPapers({
      ...{ database, databasePath, dataDirectory, sign, version, nowMs, ledger },
      rows: this.#rows,
      keyring: () => {
        if (!household.keyring)
          throw new HubError("NOT_CLAIMED", "Cannot copy: nobody has claimed this hub");
        return household.keyring;
      },
      statements: () => household.statements(),
      settingsText: () => settings.current.text,
    });
    const house = { origin: ledger.origin, ledgerKey: ledger.publicKey };
    return new Copier({ rows: this.#rows, papers, dataDirectory, house, nowMs });
  }

  /** As the settings are at each step: they may change again meanwhile. */
  async #settle(): Promise<void> {
    const settleSome = (): boolean => {
      const { copy } = this.#options.settings.current;
      return this.#rows.settleSome(copy ? `${copy.at.kind} ${addressOf(copy.at)}` : null);
    };
    while (!this.#isOver && settleSome()) await setImmediate();
  }

  async #settleLater(): Promise<void> {
    try {
      await this.#settle();
    } catch (error) {
      const found = error instanceof Error ? error.message : "?";
      this.#options.log("warn", `copy: its list is not emptied yet: ${found}`);
    }
  }

  #say(trouble: { code: string; message: string } | null): void {
    const { nowMs, log } = this.#options;
    const before = this.#trouble;
    if (trouble === null) {
      if (before) log("info", "the copy elsewhere goes again");
      this.#trouble = null;
      return;
    }
    const code = trouble.code.slice(0, 40);
    const message = trouble.message.slice(0, 500);
    if (before?.code !== code) log("warn", `copy: ${message}`);
    const sinceMs = before?.code === code ? before.sinceMs : nowMs();
    this.#trouble = { code, message, sinceMs };
  }

  #pauseMs(): number {
    const { copy } = this.#options.settings.current;
    return pauseMs(this.#failures, copy?.everyMs ?? DAY_MS, Math.random());
  }

  #rate(): number | null {
    if (!this.#pace) return null;
    const seconds = Math.max(1, (performance.now() - this.#pace.startMs) / 1_000);
    return Math.round(this.#pace.pace.sentBytes / seconds);
  }
}

/** Said well before: found out at a restore, it would be too late. */
export function tooLarge(sizeBytes: number): { code: string; message: string } {
  const size = `${(sizeBytes / 2 ** 30).toFixed(1)} GiB`;
  const message =
    sizeBytes > COPY_LIMITS.databaseBytes
      ? `Cannot copy the hub's state: its database has ${size}, and 2 GiB is the most that can be restored. Recordings and ledger entries are still copied. Keep recordings for a shorter time`
      : `The hub's database has ${size}: above 2 GiB its state can be copied no more. Keep recordings for a shorter time`;
  return { code: "STATE_TOO_LARGE", message };
}

function addressOf(at: CopyAddress): string {
  if (at.kind === "folder") return at.folder;
  if (at.kind === "webdav") return at.url;
  return `s3://${at.bucket}/${at.prefix} (${path.basename(new URL(at.endpoint).host)})`;
}
