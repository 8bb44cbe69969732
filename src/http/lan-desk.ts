/** Whose certificate is shown on the local network. */
export type LanCertificate = "own" | "household" | "proxy";

export interface LanName {
  readonly name: string;
  /** As `https://doorward.local:8443`; null while the hub does not listen there. */
  readonly origin: string | null;
  /** Eight words of the authority's fingerprint; null where the household's own is not used. */
  readonly words: readonly string[] | null;
  /** SHA-256 of the authority as `A1 B2 ...`; null where the household's own is not used. */
  readonly fingerprint: string | null;
}

/** How the hub is reached on the local network. */
export interface LanState extends LanName {
  readonly isOpen: boolean;
  /** IP addresses of this machine that it listens on there; the one of the default route first. */
  readonly addresses: readonly string[];
  /** Of the certificate page, by an IP address if one leads there; null while it is closed. */
  readonly certificatePage: string | null;
  readonly certificate: LanCertificate | null;
  /** When the leaf that is shown ends, in ms since 1970; null where a proxy shows one. */
  readonly expiresAtMs: number | null;
  /** The name to which the household moves: both are served until an owner ends it. */
  readonly moving: LanName | null;
  /** In words, what keeps it from working as it should; null where nothing does. */
  readonly trouble: string | null;
}

export interface LanDesk {
  state(): LanState;
  /** All under which the page is served now, this machine's own not among them. */
  origins(): readonly string[];
  /**
   * Takes a name before the claim; an authority is made for it.
   *
   * @throws HubError LAN_NAME_TAKEN, LAN_NAME_SET, LAN_CLOSED, CLAIM_GONE, MALFORMED_INPUT.
   */
  chooseName(name: string): Promise<LanState>;
  /**
   * Begins to serve a second name beside the one in force.
   *
   * @throws HubError LAN_CLOSED, LAN_MOVING, MALFORMED_INPUT.
   */
  moveTo(name: string): Promise<LanState>;
  /**
   * Ends a move, to either of its two names.
   *
   * @throws HubError LAN_NOT_MOVING, MALFORMED_INPUT, or as every change of settings.
   */
  endMove(name: string): Promise<LanState>;
  /**
   * Opens or closes it, and writes so into the settings. A closed one ends after the answer has left.
   *
   * @throws HubError as every change of settings.
   */
  setOpen(isOpen: boolean): Promise<LanState>;
  /**
   * After the claim. One that came in from the local network leaves it open, and says so in the
   * settings with the name; after another one it is as the settings say, which is closed if nothing.
   */
  claimed(throughLan: boolean): Promise<void>;
}
