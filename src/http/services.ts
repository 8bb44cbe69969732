import type { BundleSource } from "../consent/bundle.ts";
import type { RequestDocuments } from "../consent/documents.ts";
import type { RequestHandling } from "../consent/handling.ts";
import type { Decisions } from "../consent/decisions.ts";
import type { Withdrawals } from "../consent/endings.ts";
import type { StoredRequest } from "../consent/request-rows.ts";
import type { RequestStore } from "../consent/requests.ts";
import type { Shares } from "../consent/shares.ts";
import type { Viewers } from "../consent/viewers.ts";
import type { Retention } from "../clips/retention.ts";
import type { Nothings } from "../clips/nothings.ts";
import type { Rewraps } from "../clips/rewraps.ts";
import type { RenditionUploads } from "../clips/renditions.ts";
import type { ClipStore } from "../clips/store.ts";
import type { ClipTimeline } from "../clips/timeline.ts";
import type { Household } from "../keys/household.ts";
import type { KeyringDesk } from "../keys/keyring-desk.ts";
import type { ClockTrust } from "../ledger/clock-trust.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Restorations } from "../ledger/restorations.ts";
import type { Statements } from "../ledger/statements.ts";
import type { HealthAnswer } from "../protocol/api.ts";
import type { NoticeFacts } from "../protocol/door-notice.ts";
import type { BellDesk } from "./bell-desk.ts";
import type { ChimeDesk } from "./chime-desk.ts";
import type { HouseDesk } from "./house-desk.ts";
import type { ClaimDesk } from "./claim.ts";
import type { Connections } from "./connections.ts";
import type { LanDesk } from "./lan-desk.ts";
import type { LiveStreams } from "./live-streams.ts";
import type { News } from "./news.ts";
import type { MetricsDesk } from "./metrics-routes.ts";
import type { NoticeDesk } from "./notice-desk.ts";
import type { Pairings } from "./pairings.ts";
import type { PushDesk } from "./push-desk.ts";
import type { Replies } from "./replies.ts";
import type { CopyDesk } from "./copy-desk.ts";
import type { MailboxDesk } from "./mailbox-desk.ts";
import type { MasksDesk } from "./masks-desk.ts";
import type { SettingsDesk } from "./settings-desk.ts";
import type { TalkDesk } from "./talk-desk.ts";
import type { PrivacyDesk } from "./privacy-desk.ts";
import type { Sessions } from "./sessions.ts";

/** What routes may use. Made once, in `src/hub/services.ts`, the one file that knows every capability. */
export interface HubServices {
  readonly name: string;
  readonly version: string;
  readonly ledger: Ledger;
  readonly ledgerKey: Uint8Array;
  readonly household: Household;
  readonly keyringDesk: KeyringDesk;
  readonly sessions: Sessions;
  readonly claimDesk: ClaimDesk;
  readonly pairings: Pairings;
  readonly news: News;
  readonly notices: NoticeDesk;
  readonly connections: Connections;
  readonly clips: ClipStore;
  readonly timeline: ClipTimeline;
  readonly lan: LanDesk & { open(): Promise<void>; configure(): Promise<void> } & AsyncDisposable;
  readonly live: LiveStreams;
  readonly talk: TalkDesk & AsyncDisposable;
  readonly replies: Replies;
  readonly push: PushDesk & { open(): void };
  readonly privacy: PrivacyDesk;
  readonly chime: ChimeDesk;
  readonly house: HouseDesk & AsyncDisposable;
  readonly retention: Retention;
  readonly renditions: RenditionUploads;
  readonly rewraps: Rewraps;
  readonly nothings: Nothings;
  readonly settings: SettingsDesk;
  readonly mailbox: MailboxDesk & { configure(): void } & AsyncDisposable;
  readonly copy: CopyDesk & { configure(): void } & AsyncDisposable;
  readonly masks: MasksDesk;
  readonly bells: BellDesk;
  readonly requests: RequestStore;
  readonly decisions: Decisions;
  readonly handling: RequestHandling;
  readonly documents: RequestDocuments;
  readonly withdrawals: Withdrawals;
  readonly bundles: BundleSource;
  readonly shares: Shares;
  readonly viewers: Viewers;
  readonly statements: Statements;
  readonly restorations: Restorations;
  readonly nowMs: () => number;
  /** Whether the clock on the wall is believed. */
  readonly clockTrust: ClockTrust;
  /** Seals bytes with the recorder's own writer. */
  readonly seal: (plaintext: Uint8Array, recipients: readonly string[]) => Uint8Array;
  /** Called after a keyring statement was accepted: the recorder checks the chain for itself. */
  readonly keyringChanged: () => void;
  /** Called when something new waits for the owner. */
  readonly requestReceived: (request: StoredRequest) => void;
  readonly health: () => HealthAnswer;
  readonly metrics: MetricsDesk;
  /** What the notice at the door says: from the settings, and from nothing else. */
  readonly notice: () => NoticeFacts;
  /** Address for whoever finds a hole in this hub; null where the settings name none. */
  readonly securityContact: () => string | null;
  /** Public addresses of this hub; known once it listens. */
  readonly statusUrl: (statusToken: string) => string;
  readonly intakeUrl: () => string | null;
  readonly outsideUrl: () => string | null;
}
