import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { detailOf } from "../http/clip-routes.ts";
import { devicesOf } from "../http/household-routes.ts";
import { summaryOf } from "../http/request-summary.ts";
import type { HubServices } from "../http/services.ts";
import type { StoredClip } from "../clips/store.ts";
import type { StoredRequest } from "../consent/request-rows.ts";
import type { MailboxHouse, OwnState, WantedFile } from "../mailbox/mailbox.ts";
import type { MailboxRows } from "../mailbox/rows.ts";
import { randomBytes } from "node:crypto";
import { toBase64, toHex } from "../protocol/bytes.ts";
import { CLIP_MAX_MS, sealedFileName } from "../protocol/clip.ts";
import { openEnvelope, PAYLOAD_TYPES } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { parseClipId, parseRequestId, parseSha256Hex, type DeviceId } from "../protocol/ids.ts";
import { roleOfDevice, type Keyring } from "../protocol/keyring.ts";
import { roleHasRight } from "../protocol/keyring-schema.ts";
import {
  MAILBOX_LIMITS,
  PART_BYTES_MAX,
  type MailboxReply,
  type MailboxState,
} from "../protocol/mailbox.ts";
import { checkAsked } from "../protocol/request.ts";

const WINDOW_CLIPS = 500;
/** Clocks are set back now and then: as devices reckon when they look for recordings. */
const DISORDER_MS = 2 * 3_600_000;

interface Waiting {
  readonly request: StoredRequest;
  readonly nonce: string;
  /** Newest first; null where they are more than a mailbox carries. */
  readonly clips: readonly StoredClip[] | null;
}

/** What the hub says to its owners through a mailbox: its own answers, and nothing else. */
export class MailboxPapers {
  readonly #services: HubServices;
  readonly #rows: MailboxRows;
  readonly #sign: (message: Uint8Array) => Uint8Array;
  #waiting: readonly Waiting[] = [];
  #viewer: string | null = null;

  constructor(services: HubServices, rows: MailboxRows, sign: (message: Uint8Array) => Uint8Array) {
    this.#services = services;
    this.#rows = rows;
    this.#sign = sign;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  house(): Omit<MailboxHouse, "random"> {
    const { nowMs, ledger, seal } = this.#services;
    return {
      nowMs,
      ledgerSize: () => ledger.size(),
      prepare: () => this.#prepare(),
      devices: () => this.#signers(),
      wanted: () => this.#waiting.flatMap((waiting) => this.#candidates(waiting)),
      material: (device) => this.#material(device),
      compose: (own, seenSizes) => this.#compose(own, seenSizes),
      readFile: (file) => this.#readFile(file),
      give: (device, clip) => this.#give(device, clip),
      seal: (content, recipient) => seal(content, [recipient]),
      sign: this.#sign,
      take: (device, reply) => this.#take(device, reply),
    };
  }

  async #prepare(): Promise<void> {
    const { requests, viewers, nowMs } = this.#services;
    const now = nowMs();
    const open = [...requests.inState("received"), ...requests.inState("held")]
      .filter((request) => !requests.isTimeOver(request))
      .toSorted((left, right) => left.expiresAtMs - right.expiresAtMs);
    this.#rows.keepNoncesOf(open.map(({ id }) => id));
    this.#viewer = open.length === 0 ? null : ((await viewers.newest())?.sha256 ?? null);
    const waiting: Waiting[] = [];
    let clips = 0;
    for (const request of open) {
      if (waiting.length >= MAILBOX_LIMITS.requests) break;
      const known = this.#rows.nonce(request.id);
      // A week is enough to be away with: then it waits at home.
      if (known && known.firstAtMs < now - MAILBOX_LIMITS.ageMs) continue;
      const found = this.#clipsOf(request);
      const isRoom = found !== null && clips + found.length <= MAILBOX_LIMITS.clips;
      if (isRoom) clips += found.length;
      const nonce = known?.nonce ?? this.#newNonce(request.id);
      waiting.push({ request, nonce, clips: isRoom ? found : null });
    }
    this.#waiting = waiting;
  }

  #newNonce(request: string): string {
    const nonce = toHex(randomBytes(32));
    this.#rows.setNonce(request, nonce, this.#services.nowMs());
    return nonce;
  }

  /** All that overlap what is asked for, as a device at home would find them. */
  #clipsOf({ record }: StoredRequest): readonly StoredClip[] | null {
    const { fromMs, toMs } = checkAsked(record.asked);
    const { cameras } = record.asked.sought;
    const window = this.#services.timeline.window({
      fromMs: Math.max(0, fromMs - CLIP_MAX_MS - DISORDER_MS),
      ...{ toMs, limit: WINDOW_CLIPS },
    });
    if (window.length >= WINDOW_CLIPS) return null;
    const found = window.filter(
      ({ camera, state, startedAtMs, durationMs }) =>
        (cameras === "unspecified" || cameras.includes(camera)) &&
        startedAtMs < toMs &&
        (state === "recording" || startedAtMs + Math.max(durationMs, 1) > fromMs),
    );
    return found.length > MAILBOX_LIMITS.clipsPerRequest ? null : found;
  }

  /** Blurred where there is a blurred copy; newest recordings first, so that the oldest find no room. */
  #candidates({ request, clips }: Waiting): WantedFile[] {
    const { clips: store } = this.#services;
    const { fromMs, toMs } = checkAsked(request.record.asked);
    const { tracks } = request.record.asked.sought;
    return (clips ?? []).flatMap((clip) => {
      const rendition = clip.renditions.includes("blurred") ? "blurred" : "original";
      return store
        .files(clip.id)
        .filter(
          (file) =>
            (file.track === "poster" && file.rendition === rendition) ||
            (file.toMs > fromMs &&
              file.fromMs < toMs &&
              ((file.track === "video" && file.rendition === rendition) ||
                (file.track === "audio" && tracks.includes("audio")))),
        )
        .flatMap((file) => {
          const sizeBytes = sizeOf(store.pathOf(clip.id, file));
          return sizeBytes === null
            ? []
            : [{ clip: clip.id, name: sealedFileName(file), sizeBytes }];
        });
    });
  }

  #material(device: DeviceId): string {
    const { household, decisions } = this.#services;
    return JSON.stringify([
      this.#keyring().head,
      household.statements().length,
      household.passedOn.of(device).map(({ epoch }) => epoch),
      this.#viewer,
      this.#waiting.map(({ request, nonce, clips }) => [
        ...[request.id, request.recordSha256, request.state, nonce],
        decisions.proposalOf(request.id)?.envelope.signatures.length ?? 0,
        clips?.map((clip) => [
          ...[clip.id, clip.state, clip.entryIndex, clip.renditions],
          this.#services.clips.renditionEntriesOf(clip.id),
        ]) ?? null,
      ]),
    ]);
  }

  #compose(own: OwnState, seenSizes: readonly number[]): MailboxState {
    const whole = this.#composeWith(own, seenSizes, this.#waiting);
    if (JSON.stringify(whole).length < PART_BYTES_MAX - 1_024) return whole;
    // What is asked is told in any case; what to let go is then chosen at home.
    const without = this.#waiting.map((waiting) => ({ ...waiting, clips: null }));
    return this.#composeWith({ ...own, pieces: [] }, seenSizes, without);
  }

  #composeWith(
    own: OwnState,
    seenSizes: readonly number[],
    waiting: readonly Waiting[],
  ): MailboxState {
    const { ledger, household, decisions } = this.#services;
    const size = ledger.size();
    const clips = new Map(waiting.flatMap((one) => one.clips ?? []).map((clip) => [clip.id, clip]));
    const details = [...clips.values()].map((clip) => detailOf(clip, this.#services));
    const indices = new Set(
      details.flatMap(({ entryIndex, renditionEntries = [] }) =>
        entryIndex === null ? renditionEntries : [entryIndex, ...renditionEntries],
      ),
    );
    return {
      v: 1,
      origin: this.#keyring().origin,
      ...own,
      keyring: household.statements(),
      checkpoint: ledger.checkpoint(),
      size,
      consistency: seenSizes.map((from) => ({
        from,
        proof: ledger.consistencyProof(from, size).map(toBase64),
      })),
      requests: waiting.map(({ request, nonce, clips: own }) => ({
        summary: summaryOf(request, this.#services),
        nonce: { nonce, expiresAtMs: request.expiresAtMs },
        clips: own?.map(({ id }) => id) ?? null,
        proposal: decisions.proposalOf(request.id)?.envelope ?? null,
      })),
      clips: details,
      entries: [...indices].map((index) => ({
        index,
        entry: toBase64(ledger.entry(index)?.bytes ?? new Uint8Array()),
        proof: ledger.inclusionProof(index, size).map(toBase64),
      })),
      devices: devicesOf(household),
      viewer: this.#viewer,
      passedOn: household.passedOn.of(own.device),
    };
  }

  async #readFile({ clip, name }: WantedFile): Promise<Uint8Array | null> {
    const { clips } = this.#services;
    const id = parseClipId(clip);
    const file = clips.files(id).find((one) => sealedFileName(one) === name);
    if (!file) return null;
    // Deleted, or put anew, between two looks.
    return readFile(clips.pathOf(id, file)).catch(() => null);
  }

  /** Whoever gets the pieces can look at them: in the ledger it is a look, before they are his. */
  #give(device: DeviceId, clip: string): void {
    const { ledger, nowMs } = this.#services;
    if (this.#rows.give(device, clip))
      ledger.append({ v: 1, kind: "view", atMs: nowMs(), clip, device });
  }

  #signers(): { device: DeviceId; transfer: string }[] {
    const keyring = this.#keyring();
    return [...keyring.devices.values()].flatMap(({ id, record: { transfer }, removed }) =>
      transfer !== undefined && !removed && this.#maySign(id) ? [{ device: id, transfer }] : [],
    );
  }

  #maySign(device: DeviceId): boolean {
    const keyring = this.#keyring();
    const role = roleOfDevice(keyring, device);
    return (
      role !== null && keyring.devices.get(device)?.removed === false && roleHasRight(role, "sign")
    );
  }

  /** The same way as a route goes, with the nonce that lay in the mailbox. */
  async #take(device: DeviceId, reply: MailboxReply): Promise<void> {
    const { decisions, requests, viewers, news } = this.#services;
    const id = parseRequestId(reply.request);
    const signatures = reply.kind === "signature" ? [reply.signature] : reply.decision.signatures;
    if (!this.#maySign(device) || signatures.some(({ keyid }) => keyid !== device))
      throw new HubError("NOT_ALLOWED", "Cannot decide: this device may not sign for itself");
    if (reply.kind === "signature")
      decisions.cosign(id, parseSha256Hex(reply.decisionSha256), reply.signature);
    else {
      openEnvelope(reply.decision, PAYLOAD_TYPES.decision, "decision");
      await viewers.keepFor(reply.decision);
      const known = this.#rows.nonce(id);
      if (!known) throw new HubError("NOT_OPEN", "Cannot decide: the request waits no more");
      // While the viewer was kept, time has passed: the device may have been removed.
      if (!this.#maySign(device))
        throw new HubError("NOT_ALLOWED", "Cannot decide: this device may not sign any more");
      requests.withNonce(id, known.nonce, () =>
        reply.kind === "proposal"
          ? decisions.propose(id, reply.decision)
          : decisions.decide(id, reply.decision),
      );
      // It is spent, in a decision or in a proposal.
      this.#newNonce(id);
    }
    news.tell("requests");
  }

  #keyring(): Keyring {
    const { keyring } = this.#services.household;
    if (!keyring)
      throw new HubError("NOT_CLAIMED", "Cannot answer: nobody has claimed this hub yet");
    return keyring;
  }
}

function sizeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.size ?? null;
}
