import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { HubMailbox } from "../../src/hub/mailbox.ts";
import { follow, HubClient, type FollowedHub } from "../../src/owner/hub-client.ts";
import { MailboxClient } from "../../src/owner/mailbox-client.ts";
import { openMemory, sealMemory } from "../../src/owner/mailbox-memory.ts";
import {
  learnMailbox,
  lookIntoMailbox,
  sendReply,
  type MemoryStore,
} from "../../src/owner/mailbox.ts";
import { refusalTerms, signRefusal } from "../../src/owner/decide.ts";
import { signingKeyOf } from "../../src/owner/device-bundle.ts";
import { groundFor } from "../../src/owner/ground.ts";
import { envelopeSigner } from "../../src/owner/identity.ts";
import { RequestSummary } from "../../src/protocol/api.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import { parseRequestId } from "../../src/protocol/ids.ts";
import type { Seen } from "../../src/owner/witness.ts";
import type { MailboxPlace } from "../../src/protocol/mailbox.ts";
import { startTestHub, type TestDevice, type TestHub, type TestHubOptions } from "./test-hub.ts";
import { temporaryFolder } from "./temporary.ts";

type Place = Pick<MailboxPlace, "kind" | "url"> & { user?: string; password?: string };

/** A hub whose settings name a mailbox. */
export async function startMailboxHub(
  place: Place,
  options: TestHubOptions & { spaceBytes?: number } = {},
): Promise<TestHub> {
  const folder = temporaryFolder();
  const { kind, url, user, password } = place;
  const { spaceBytes = 24_000_000, ...hubOptions } = options;
  writeSecrets(folder.path, user, password);
  const hub = await startTestHub({
    nowMs: "system",
    dataDirectory: folder.path,
    ...hubOptions,
    settings: { ...hubOptions.settings, mailbox: { kind, url, spaceBytes } },
  });
  const dispose = hub[Symbol.asyncDispose].bind(hub);
  return Object.assign(hub, {
    [Symbol.asyncDispose]: async () => {
      await dispose();
      await folder[Symbol.asyncDispose]();
    },
  });
}

export function writeSecrets(dataDirectory: string, user?: string, password?: string): void {
  const secrets = path.join(dataDirectory, "secrets");
  mkdirSync(secrets, { recursive: true, mode: 0o700 });
  const text = user === undefined ? "" : `user: ${user}\npassword: ${password ?? ""}\n`;
  writeFileSync(path.join(secrets, "mailbox.yaml"), text, { mode: 0o600 });
}

/** The hub goes to its mailbox now. */
export async function turn(hub: TestHub): Promise<void> {
  await (hub.hub.services.mailbox as HubMailbox).now();
}

/** A device with what it keeps, sealed as it keeps it. */
export interface AwayDevice {
  readonly device: TestDevice;
  readonly store: MemoryStore;
  seen: Seen | null;
  /** At home: follows the ledger and learns of the mailbox. */
  atHome(hub: TestHub): Promise<boolean>;
  /** Looks into the mailbox, and follows its ledger on. */
  look(): Promise<FollowedHub & { readonly client: MailboxClient }>;
}

export function awayDevice(device: TestDevice): AwayDevice {
  let kept: Uint8Array | null = null;
  const { bundle } = device;
  const store: MemoryStore = {
    read: async () => kept && openMemory(bundle, kept),
    write: async (memory) => {
      kept = await sealMemory(bundle, memory);
    },
  };
  const self: AwayDevice = {
    ...{ device, store, seen: null },
    atHome: async (hub) => {
      const client = new HubClient(hub.hub.url, device.token);
      self.seen = (await follow(client, bundle, self.seen)).seen;
      return learnMailbox(client, store);
    },
    look: async () => {
      const found = await lookIntoMailbox(bundle, store, self.seen);
      const client = new MailboxClient("http://door.invalid", found, (reply) =>
        sendReply(bundle, store, found, reply),
      );
      const followed = await follow(client, bundle, self.seen);
      self.seen = followed.seen;
      return { ...followed, client, followTo: async () => followed.seen };
    },
  };
  return self;
}

export async function refusal(
  hub: FollowedHub,
  { bundle }: TestDevice,
  id: string,
): Promise<Envelope> {
  const terms = refusalTerms(await groundFor(hub, id));
  return signRefusal(terms, envelopeSigner(signingKeyOf(bundle)));
}

export async function refuse(away: AwayDevice, id: string): Promise<void> {
  const hub = await away.look();
  const decision = await refusal(hub, away.device, id);
  await hub.client.post(`/api/requests/${id}/decision`, { decision }, RequestSummary);
}

export function stateOf(hub: TestHub, id: string): string | undefined {
  return hub.hub.services.requests.get(parseRequestId(id))?.state;
}
