import { mkdtempSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { LightMyRequestResponse } from "fastify";
import { Hub } from "../../src/hub/hub.ts";
import type { LanOptions } from "../../src/hub/options.ts";
import {
  newLabel,
  randomHex,
  readersForRole,
  signingKeyOf,
  transferKeyOf,
  type DeviceBundle,
} from "../../src/owner/device-bundle.ts";
import { foundHousehold, signLogin, type FoundedHousehold } from "../../src/owner/household.ts";
import { generateSigningKey, type KeyKind, type SigningKey } from "../../src/owner/identity.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import type { Recovery } from "../../src/owner/recovery.ts";
import type { HubInfo } from "../../src/protocol/api.ts";
import { fromBase64, sha256Hex, toBase64, utf8Bytes } from "../../src/protocol/bytes.ts";
import type { EventReason } from "../../src/protocol/clip.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import type { KeyringChange, Role } from "../../src/protocol/keyring.ts";
import { verifyKeyring } from "../../src/protocol/keyring.ts";
import type { Settings } from "../../src/settings/settings.ts";
import { letteredFragments, realFragments, recordClip, type RealCodec } from "./test-clips.ts";
import { signStatement, statementAfter } from "./test-household.ts";

export interface TestHubOptions {
  /** Closed clips of ten seconds each; by default none. */
  readonly clips?: number;
  /** `real` is a picture that players take; by default frames that a test can recognise. */
  readonly footage?: "lettered" | RealCodec;
  /** What its camera does of faces; no copy comes by itself (`addHubCopy`). */
  readonly faces?: "keep" | "blur-copy";
  /** Why its clips were recorded. */
  readonly why?: EventReason;
  readonly kind?: KeyKind;
  readonly outside?: boolean;
  /** False: nobody has claimed it yet, and there is no owner. */
  readonly claimed?: boolean;
  /** Where the hub's clock stands; it only moves by `clock.nowMs`. `system` for real programs. */
  readonly nowMs?: number | "system";
  readonly random?: (size: number) => Uint8Array;
  /** An earlier hub's data, kept afterwards. Without it, a temporary folder. */
  readonly dataDirectory?: string;
  /** The household that `dataDirectory` belongs to. */
  readonly owner?: DeviceBundle;
  readonly settings?: Partial<Settings>;
  /** In which hours of the week are meant; by default this machine's. */
  readonly timeZone?: string;
  /** What overrides the settings when an owner changes them. */
  readonly environment?: NodeJS.ProcessEnv;
  /** By default nothing listens on the local network. */
  readonly lan?: LanOptions;
  /** The page's files; by default none, as on a hub where it was never built. */
  readonly pageDirectory?: string;
}

/** A device of the household, logged in. */
export interface TestDevice {
  readonly bundle: DeviceBundle;
  readonly key: SigningKey;
  readonly token: string;
}

export interface CallOptions {
  readonly as?: TestDevice | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export type Call = (
  method: Method,
  url: string,
  options?: CallOptions,
) => Promise<LightMyRequestResponse>;

export interface TestHub extends AsyncDisposable {
  readonly hub: Hub;
  readonly dataDirectory: string;
  /** `ranMs` is what the hub counts as its own running time, which moves only by this, too. */
  readonly clock: { nowMs: number; ranMs: number };
  /** The founder's device. Not to be used on a hub that nobody has claimed. */
  readonly owner: TestDevice;
  readonly recovery: Recovery | null;
  readonly clips: readonly ClipId[];
  /** What the hub wrote to its log. */
  readonly log: readonly string[];
  /** One request over HTTP, in process, from an address of its own so that no limit is met. */
  readonly call: Call;
  logIn(bundle: DeviceBundle): Promise<TestDevice>;
  /** Admits a device, signed by the founder, and logs it in. */
  admit(role: Role, options?: { person?: string }): Promise<TestDevice>;
  /** Signs a keyring change by `signers` (by default the founder) and has the hub accept it. */
  change(change: KeyringChange, signers?: readonly SigningKey[]): Promise<void>;
  record(): Promise<ClipId>;
  ledgerKinds(): string[];
  /** Every file in the data directory that is neither database, secret nor sealed recording. */
  filesOutsideTheStore(): string[];
}

export type Method = "GET" | "POST" | "DELETE" | "PUT" | "PATCH" | "HEAD" | "OPTIONS";

const DEFAULT_NOW_MS = Date.UTC(2026, 10, 21, 21, 0, 0);

/** A real hub in this process with no camera, founded by an owner's device in the same process. */
export async function startTestHub(options: TestHubOptions = {}): Promise<TestHub> {
  const dataDirectory =
    options.dataDirectory ?? mkdtempSync(path.join(os.tmpdir(), "doorward-hub-"));
  const isReal = options.nowMs === "system";
  const clock = { nowMs: isReal ? Date.now() : (options.nowMs ?? DEFAULT_NOW_MS), ranMs: 0 };
  const log: string[] = [];
  const hub = await Hub.start({
    dataDirectory,
    settings: settingsOf(options),
    ...(options.lan ? { lan: options.lan } : {}),
    ...(options.environment ? { environment: options.environment } : {}),
    nowMs: isReal ? Date.now : () => clock.nowMs,
    ...(isReal ? {} : { monotonicMs: () => clock.ranMs }),
    ...(options.timeZone ? { timeZone: options.timeZone } : {}),
    ...(options.random ? { random: options.random } : {}),
    pageDirectory: options.pageDirectory ?? path.join(dataDirectory, "no-page"),
    log: (_level, message) => log.push(message),
  });
  const call = caller(hub);
  try {
    const isUnclaimed = options.claimed === false || options.owner !== undefined;
    const founded = isUnclaimed
      ? null
      : await claimHub(call, hub.services.claimDesk.code, {
          kind: options.kind ?? "x25519",
          nowMs: clock.nowMs,
        });
    const bundle = options.owner ?? founded?.bundle;
    const logIn = (device: DeviceBundle) => logInDevice(call, device);
    const owner = bundle ? await logIn(bundle) : nobody();
    const { footage = "lettered" } = options;
    const filmed = (index: number): Fragment[] =>
      footage === "lettered" ? letteredFragments(index) : realFragments(index, footage);
    const clips: ClipId[] = [];
    const record = async (): Promise<ClipId> => {
      const { faces, why } = options;
      const footageOf = filmed(clips.length);
      const clip = await recordClip(hub.services, dataDirectory, footageOf, faces, why);
      clips.push(clip);
      return clip;
    };
    for (let count = 0; count < (options.clips ?? 0); count += 1) await record();
    const change = changer(hub, owner);
    return {
      hub,
      dataDirectory,
      clock,
      owner,
      recovery: founded?.recovery ?? null,
      clips,
      log,
      call,
      logIn,
      record,
      change,
      admit: async (role, { person } = {}) =>
        logIn(await admit(change, owner.bundle, role, person)),
      ledgerKinds: () => ledgerKinds(hub),
      filesOutsideTheStore: () => filesOutsideTheStore(dataDirectory),
      [Symbol.asyncDispose]: async () => {
        await hub[Symbol.asyncDispose]();
        if (options.dataDirectory === undefined)
          await rm(dataDirectory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await hub[Symbol.asyncDispose]();
    if (options.dataDirectory === undefined) await rm(dataDirectory, { recursive: true });
    throw error;
  }
}

function settingsOf({ outside, settings }: TestHubOptions): Settings {
  return {
    name: "Test hub",
    port: 0,
    outside: outside === true ? { port: 0, url: null } : null,
    cameras: [],
    text: "name: Test hub\n",
    ...settings,
  };
}

let addresses = 0;

function caller(hub: Hub): Call {
  return async (method, url, { as = null, body, headers = {} } = {}) => {
    addresses += 1;
    return hub.server.inject({
      method,
      url,
      remoteAddress: `127.${(addresses >> 16) & 0xff}.${(addresses >> 8) & 0xff}.${addresses & 0xff}`,
      headers: {
        host: "localhost",
        ...(as ? { authorization: `Bearer ${as.token}` } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: body as object }),
    });
  };
}

/** The claim as the command line does it: the recovery key alone opens what the hub has sealed. */
export async function claimHub(
  call: Call,
  code: string,
  options: { readonly kind: KeyKind; readonly nowMs: number },
): Promise<FoundedHousehold> {
  const info = (await call("GET", "/api/hub")).json<HubInfo>();
  const household = await foundHousehold(info, { ...options, label: "founder" });
  const { statement, label, recovery } = household;
  const { readers } = verifyKeyring([statement]);
  const { originals } = readers;
  const body = { code, originals, recovery: readers.recovery };
  const sealed = requireOk(await call("POST", "/api/claim/test", { body })).json<{
    file: string;
  }>();
  const opened = await openSealedFile(
    fromBase64(sealed.file, "file"),
    [recovery.reader.identity],
    null,
  );
  const proof = sha256Hex(opened);
  requireOk(await call("POST", "/api/claim", { body: { code, statement, label, proof } }));
  return household;
}

/** Sessions end by the time that the hub counts, too: for tests that let it count for long. */
export async function logInAgain(hub: TestHub, ...others: TestDevice[]): Promise<void> {
  for (const device of [hub.owner, ...others])
    Object.assign(device, await hub.logIn(device.bundle));
}

export function firstClip({ clips }: TestHub): ClipId {
  const [clip] = clips;
  if (clip === undefined) throw new Error("this test hub has recorded nothing");
  return clip;
}

export function requireOk(answer: LightMyRequestResponse): LightMyRequestResponse {
  if (answer.statusCode >= 300) throw new Error(`${answer.statusCode}: ${answer.body}`);
  return answer;
}

function nobody(): TestDevice {
  const missing = (): never => {
    throw new Error("this test hub has no owner");
  };
  return {
    get bundle(): DeviceBundle {
      return missing();
    },
    get key(): SigningKey {
      return missing();
    },
    get token(): string {
      return missing();
    },
  };
}

async function logInDevice(call: Call, bundle: DeviceBundle): Promise<TestDevice> {
  const key = signingKeyOf(bundle);
  const asked = await call("POST", "/api/session/challenge", { body: { device: key.device } });
  const login = await signLogin(bundle, asked.json<{ challenge: string }>().challenge);
  const answer = requireOk(await call("POST", "/api/session", { body: { login } }));
  return { bundle, key, token: answer.json<{ token: string }>().token };
}

function changer(hub: Hub, owner: TestDevice): TestHub["change"] {
  return async (change, signers = [owner.key]) => {
    const { household } = hub.services;
    const { keyring } = household;
    if (!keyring) throw new Error("nobody has claimed this hub");
    const statement = await signStatement(statementAfter(keyring, change), signers);
    household.accept(statement, labels.get(change) ?? null);
    hub.services.keyringChanged();
  };
}

/** Names of devices on their way in: the chain carries only their hashes. */
const labels = new WeakMap<KeyringChange, ReturnType<typeof newLabel>>();

async function admit(
  change: TestHub["change"],
  founder: DeviceBundle,
  role: Role,
  person = randomHex(16),
): Promise<DeviceBundle> {
  const key = generateSigningKey();
  const label = newLabel(`a device of role ${role}`);
  const admission: KeyringChange = {
    kind: "admit",
    person,
    role,
    device: {
      signingKey: toBase64(key.publicKey),
      labelSha256: sha256Hex(utf8Bytes(`${label.salt} ${label.label}`)),
      transfer: (await transferKeyOf(key)).recipient,
    },
  };
  labels.set(admission, label);
  await change(admission);
  return {
    ...founder,
    person,
    role,
    label: label.label,
    signingSeed: toBase64(key.secret),
    readers: readersForRole(founder.readers, role),
  };
}

function ledgerKinds({ services }: Hub): string[] {
  return services.ledger.entries().map(({ entry }) => entry.kind);
}

const STORE_FILE =
  /^(doorward\.db(-wal|-shm)?|doorward\.yaml|hub\.(json|lock)|ballast|secrets\/((ledger|push)\.pem|cameras\.yaml|lan\/[a-z]+-[a-z0-9.-]+\.pem)|clips\/\d{4}-\d{2}\/[0-9a-f]{32}\/((\d{3,4}\.(video|audio)|poster)\.(original|blurred)\.age(\.partial)?))$/;

function filesOutsideTheStore(dataDirectory: string): string[] {
  return readdirSync(dataDirectory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(dataDirectory, path.join(entry.parentPath, entry.name)))
    .filter((file) => !STORE_FILE.test(file));
}
