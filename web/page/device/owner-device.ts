import { readDeviceBundle, type DeviceBundle } from "../../../src/owner/device-bundle.ts";
import {
  follow,
  HubClient,
  signInWithCookie,
  type FollowedHub,
} from "../../../src/owner/hub-client.ts";
import { takePassedOn } from "../../../src/owner/rotate.ts";
import type { StoredWatch } from "../../../src/owner/alarms.ts";
import { SeenSchema, type Seen } from "../../../src/owner/witness.ts";
import { checkShape } from "../../../src/protocol/check.ts";
import { HubError } from "../../../src/protocol/errors.ts";
import { learnMailboxNow } from "./mailbox-store.ts";
import type { Keyring } from "../../../src/protocol/keyring.ts";
import {
  browserKey,
  forgetAll,
  readItem,
  sealingKey,
  writeItem,
  type SealedDevice,
} from "./device-store.ts";

/** How this device's keys are kept, as the page may know it. */
export type VaultState =
  | { readonly keys: "none" }
  | {
      readonly keys: "sealed" | "open";
      readonly label: string;
      readonly role: string;
      /** The passkey to be asked for its secret; null where the browser itself unseals. */
      readonly credentialId: string | null;
      /** Handed over by the command line for as long as this page is open; nothing is stored. */
      readonly borrowed: boolean;
    };

/**
 * The device that this browser is: its keys while they are open, its hub, and what it has seen of
 * the ledger. One for each vault.
 */
export class OwnerDevice {
  /** The hub itself. */
  readonly home = new HubClient(location.origin);
  #away: HubClient | null = null;
  #bundle: DeviceBundle | null = null;
  /** What seals the keys that this browser keeps, while they are open. */
  #sealedBy: CryptoKey | null = null;
  /** The keyring whose readers were last asked for. */
  #askedFor: string | null = null;
  #seen: Seen | null = null;
  #watch: StoredWatch | null = null;
  #borrowed: { readonly remember: (seen: Seen) => Promise<void> } | null = null;
  /** One at a time: two would fetch the same proof, and could remember an older checkpoint. */
  #following: Promise<unknown> = Promise.resolve();

  /** Who is asked: the hub, or what it has put into the mailbox. */
  get client(): HubClient {
    return this.#away ?? this.home;
  }

  goAway(client: HubClient): void {
    this.#away = client;
  }

  /** The hub answers again. */
  goHome(): void {
    this.#away = null;
  }

  async state(): Promise<VaultState> {
    if (this.#bundle)
      return {
        keys: "open",
        label: this.#bundle.label,
        role: this.#bundle.role,
        credentialId: (await this.#stored())?.credentialId ?? null,
        borrowed: this.#borrowed !== null,
      };
    const device = await this.#stored();
    if (!device) return { keys: "none" };
    const { label, role, credentialId } = device;
    return { keys: "sealed", label, role, credentialId, borrowed: false };
  }

  async #stored(): Promise<{ label: string; role: string; credentialId: string | null } | null> {
    if (this.#borrowed) return null;
    const device = await readItem<SealedDevice>("device");
    if (!device) return null;
    const credentialId = device.seal.by === "passkey" ? device.seal.credentialId : null;
    return { label: device.label, role: device.role, credentialId };
  }

  /**
   * The keys, to be used now and kept nowhere else.
   *
   * @throws HubError KEYS_SEALED until they were opened in this page.
   */
  get bundle(): DeviceBundle {
    if (!this.#bundle) throw new HubError("KEYS_SEALED", "Cannot go on: this device is locked");
    return this.#bundle;
  }

  get isOpen(): boolean {
    return this.#bundle !== null;
  }

  /** What seals the keys that this browser keeps; null while they are sealed or only lent. */
  get sealedBy(): CryptoKey | null {
    return this.#sealedBy;
  }

  get isLent(): boolean {
    return this.#borrowed !== null;
  }

  /** What this device last saw of the ledger, or null where it never did. */
  async seen(): Promise<Seen | null> {
    if (this.#seen || this.#borrowed) return this.#seen;
    const stored = await readItem<unknown>("seen");
    this.#seen = stored === null ? null : checkShape(SeenSchema, stored, "last checkpoint");
    return this.#seen;
  }

  async #remember(seen: Seen): Promise<void> {
    this.#seen = seen;
    if (this.#borrowed) await this.#borrowed.remember(seen);
    else await writeItem("seen", seen);
  }

  /** What this device has judged of the ledger so far, or null where it never did. */
  async watch(): Promise<StoredWatch | null> {
    if (this.#watch || this.#borrowed) return this.#watch;
    return readItem<StoredWatch>("watch");
  }

  async rememberWatch(watch: StoredWatch): Promise<void> {
    // Keys that are only lent leave nothing here.
    if (this.#borrowed) this.#watch = watch;
    else await writeItem("watch", watch);
  }

  /** Seals new keys for this browser, reads them back, and holds them open. */
  async keep(
    bundle: DeviceBundle,
    passkey: { readonly credentialId: string; readonly secret: Uint8Array } | null,
  ): Promise<void> {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const salt = crypto.getRandomValues(new Uint8Array(16));
    const key = passkey ? await sealingKey(passkey.secret, salt) : await browserKey();
    const content = new TextEncoder().encode(JSON.stringify(bundle));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, content);
    content.fill(0);
    const device: SealedDevice = {
      v: 1,
      seal: passkey
        ? { by: "passkey", credentialId: passkey.credentialId, salt }
        : { by: "browser", key },
      iv,
      sealed,
      label: bundle.label,
      role: bundle.role,
    };
    await writeItem("device", device);
    await this.open(passkey?.secret ?? null);
  }

  /**
   * Opens the keys that this browser keeps.
   *
   * @param secret - The passkey's, where one seals them.
   * @throws HubError KEYS_MISSING, KEYS_SEALED when the secret does not fit.
   */
  async open(secret: Uint8Array | null): Promise<void> {
    const device = await readItem<SealedDevice>("device");
    if (!device) throw new HubError("KEYS_MISSING", "Cannot open: this browser holds no keys");
    const key = await this.#keyOf(device, secret);
    let content: ArrayBuffer;
    try {
      const algorithm = { name: "AES-GCM", iv: new Uint8Array(device.iv) };
      content = await crypto.subtle.decrypt(algorithm, key, device.sealed);
    } catch (cause) {
      throw new HubError("KEYS_SEALED", "Cannot open: this passkey does not open these keys", {
        cause,
      });
    }
    this.#bundle = readDeviceBundle(JSON.parse(new TextDecoder().decode(content)));
    this.#sealedBy = key;
    this.#askedFor = null;
    new Uint8Array(content).fill(0);
  }

  async #keyOf(device: SealedDevice, secret: Uint8Array | null): Promise<CryptoKey> {
    if (device.seal.by === "browser") return device.seal.key;
    if (!secret) throw new HubError("KEYS_SEALED", "Cannot open: the passkey is needed");
    return sealingKey(secret, device.seal.salt);
  }

  /** Takes keys that the command line lends for as long as this page is open. */
  borrow(bundle: DeviceBundle, seen: Seen | null, remember: (seen: Seen) => Promise<void>): void {
    this.#bundle = bundle;
    this.#seen = seen;
    this.#borrowed = { remember };
  }

  lock(): void {
    this.#bundle = null;
    this.#sealedBy = null;
  }

  async forget(): Promise<void> {
    this.lock();
    this.#seen = null;
    this.#watch = null;
    await forgetAll();
  }

  /** A session for this browser: a cookie that no script sees. */
  async logIn(): Promise<void> {
    await signInWithCookie(this.client, this.bundle);
  }

  /**
   * Follows keyring and ledger on from what this device saw last, and remembers it.
   *
   * @throws LedgerChanged, KeyringRefused.
   */
  async follow(): Promise<FollowedHub> {
    const next = this.#following.then(() => this.#follow());
    this.#following = next.catch(() => undefined);
    return next;
  }

  async #follow(): Promise<FollowedHub> {
    const { client } = this;
    const { keyring, seen } = await follow(client, this.bundle, await this.seen());
    await this.#remember(seen);
    await this.#takeReaders(keyring);
    if (!client.isAway && !this.#borrowed) await learnMailboxNow(this);
    return {
      client,
      keyring,
      seen,
      followTo: async (index) => {
        const newest = await this.seen();
        return newest && index < newest.size ? newest : (await this.follow()).seen;
      },
    };
  }

  /** Readers that owners have passed on since: stored here first, then cleared at the hub. */
  async #takeReaders(keyring: Keyring): Promise<void> {
    if (this.#askedFor === keyring.head) return;
    const taken = await takePassedOn(this.client, this.bundle, keyring);
    if (taken && taken.epochs.length > 0) {
      // Lent keys are stored by nobody here: whoever lent them fetches them for himself.
      if (this.#borrowed) this.#bundle = taken.bundle;
      else {
        await this.#replace(taken.bundle);
        // Through a mailbox nothing is cleared at the hub: it is, the next time at home.
        if (this.client.isAway) return;
        for (const epoch of taken.epochs) await this.client.delete(`/api/passed-on/${epoch}`);
      }
    }
    this.#askedFor = keyring.head;
  }

  /** Seals other keys of the same device in place of those that are open. */
  async #replace(bundle: DeviceBundle): Promise<void> {
    const device = await readItem<SealedDevice>("device");
    if (!device || !this.#sealedBy)
      throw new HubError("KEYS_SEALED", "Cannot go on: this device is locked");
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const content = new TextEncoder().encode(JSON.stringify(bundle));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, this.#sealedBy, content);
    content.fill(0);
    await writeItem("device", { ...device, iv, sealed });
    this.#bundle = bundle;
  }

  /** Begins what it remembers anew, with a checkpoint that came with the admission. */
  async startFrom(seen: Seen | null): Promise<void> {
    this.#seen = null;
    if (seen) await this.#remember(seen);
  }
}
