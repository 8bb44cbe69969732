import { admissionShown } from "../owner/admission.ts";
import { signingKeyOf } from "../owner/device-bundle.ts";
import { envelopeSigner } from "../owner/identity.ts";
import {
  changePolicy,
  cosignProposal,
  objectToRecovery,
  readProposal,
  type ChangeGround,
} from "../owner/keyring-changes.ts";
import {
  KeyringProposalList,
  type KeyringChanged,
  type KeyringProposalList as Proposals,
} from "../protocol/api-keyring.ts";
import { HubError } from "../protocol/errors.ts";
import type { Keyring, KeyringChange, Policy } from "../protocol/keyring.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { deviceLabels } from "./household-names.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { confirm } from "./keys-directory.ts";
import { parseDuration, print, printable, printJson, readOptions, say } from "./options.ts";

const HOUR_MS = 3_600_000;

export function groundOf({ client, keyring, keys }: OwnerSession): ChangeGround {
  return { client, keyring, signer: envelopeSigner(signingKeyOf(keys.bundle)) };
}

/** How many owners must sign what, and how long one may still say no. */
export async function ownerPolicy(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "export", "keyring", "veto"],
    flags: ["json"],
  });
  await using session = await openSession(options);
  const before = session.keyring.policy;
  const veto = options.text("veto");
  const policy: Policy = {
    exportSigners: countOf(options.text("export"), "--export") ?? before.exportSigners,
    keyringSigners: countOf(options.text("keyring"), "--keyring") ?? before.keyringSigners,
    vetoWindowMs: veto === null ? before.vetoWindowMs : veto === "0" ? 0 : parseDuration(veto),
  };
  const isChange = (["export", "keyring", "veto"] as const).some(
    (name) => options.text(name) !== null,
  );
  if (isChange) {
    const result = await changePolicy(groundOf(session), policy);
    if (result.state === "proposed") sayProposed(result);
  }
  if (options.flag("json")) printJson({ ...policy });
  else print(policyText(policy));
  return 0;
}

function countOf(text: string | null, name: string): number | null {
  if (text === null) return null;
  if (!/^([1-9]|1[0-6])$/.test(text))
    throw new UsageError(`Cannot read ${name}: expected a number of owners, 1 to 16`);
  return Number(text);
}

function policyText({ exportSigners, keyringSigners, vetoWindowMs }: Policy): string {
  return [
    `Signatures for an export:            ${exportSigners}`,
    `Signatures for a change of the keys: ${keyringSigners}`,
    `An owner may still say no for:       ${vetoWindowMs / HOUR_MS} h`,
  ].join("\n");
}

/** Says no to a recovery that none of the owners began. */
export async function ownerObject(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"] });
  await using session = await openSession(options);
  if (!session.keyring.pending)
    throw new HubError("NO_RECOVERY", "Cannot object: no recovery is pending");
  await objectToRecovery(groundOf(session));
  if (options.flag("json")) printJson({ objected: true });
  say(
    "The recovery is over: its device is out, and nothing has changed. Whoever has the sheet can",
  );
  say("still open recordings that he gets hold of, and begin again. To make the sheet worthless:");
  say("  doorward owner sheet --new --keys DIR");
  return 0;
}

/** Changes of the keyring that wait for more owners: `list`, or `sign ID`. */
export async function ownerKeyring(args: string[]): Promise<ExitCode> {
  const [first = "--"] = args;
  const verb = first.startsWith("-") ? "list" : first;
  if (verb !== "list" && verb !== "sign")
    throw new UsageError("Cannot read the command line: expected list, or sign with an id");
  const isSigning = verb === "sign";
  const options = readOptions(args, {
    values: ["hub", "keys"],
    flags: ["yes", "json"],
    positionals: isSigning ? 2 : first === "list" ? 1 : 0,
  });
  await using session = await openSession(options);
  const waiting = await session.client.get("/api/keyring/proposals", KeyringProposalList);
  if (!isSigning) return await list(session, waiting, options.flag("json"));
  const id = options.positionals[1] ?? "";
  const [proposal, another] = waiting.filter((one) => one.proposal.startsWith(id));
  if (id.length < 6 || !proposal || another)
    throw new UsageError("Cannot find proposal: give at least the first six digits of one");
  say(await textOf(session, proposal));
  if (!options.flag("yes") && !(await confirm("Sign this?"))) {
    say("Nothing was signed.");
    return 1;
  }
  const result = await cosignProposal(groundOf(session), session.keys.bundle, proposal);
  if (options.flag("json")) printJson({ ...result });
  else if (result.state === "proposed") sayProposed(result);
  else say("Signed, and in force.");
  return 0;
}

async function list(session: OwnerSession, waiting: Proposals, isJson: boolean): Promise<ExitCode> {
  if (isJson)
    printJson(
      waiting.map(({ proposal, signers, needed, proposedAtMs }) => ({
        ...{ proposal, signers: signers.length, needed, proposedAtMs },
      })),
    );
  else if (waiting.length === 0) print("No change waits for a signature.");
  else for (const proposal of waiting) print(await textOf(session, proposal));
  return 0;
}

async function textOf(session: OwnerSession, proposal: Proposals[number]): Promise<string> {
  const { client, keyring } = session;
  const { change, signers, needed } = readProposal(keyring, proposal);
  const labels = await deviceLabels(client);
  const head = `${proposal.proposal.slice(0, 16)}  ${signers.length} of ${needed} have signed`;
  return `${head}\n  ${changeText(change, keyring, labels)}`;
}

function changeText(
  change: KeyringChange,
  keyring: Keyring,
  labels: ReadonlyMap<string, string>,
): string {
  switch (change.kind) {
    case "admit": {
      const { role, isNewPerson, words } = admissionShown(keyring, change);
      const whose = isNewPerson
        ? "a new person"
        : `a further device of person ${change.person.slice(0, 8)}`;
      return [
        `Admit ${whose} as ${role}.`,
        ...(isNewPerson && role === "owner"
          ? ["That is one more who may sign: make sure that it is not the proposer once more."]
          : []),
        `The new device must show these words: ${words.join(" ")}`,
      ].join("\n  ");
    }
    case "remove":
      return `Remove ${printable(labels.get(change.device) ?? change.device.slice(0, 16))}; new keys for all others.`;
    case "policy":
      return policyText(change.policy).replaceAll("\n", "\n  ");
    case "sheet":
      return "Put a new recovery sheet into force; the old one counts no more.";
    case "genesis":
    case "recovery_notice":
    case "recovery_objection":
    case "recovery_complete":
      return change.kind;
  }
}

export function sayProposed({ proposal, signers, needed }: KeyringChanged): void {
  say(
    `Signed, and not in force yet: ${signers} of ${needed} owners have signed. Another owner runs`,
  );
  say(`  doorward owner keyring sign ${proposal.slice(0, 16)} --keys DIR`);
}
