import { refuseCoreDumps } from "../base/core-dumps.ts";
import { VERSION } from "../base/version.ts";
import { HubError } from "../protocol/errors.ts";
import { LedgerRestored } from "../owner/restored.ts";
import { LedgerChanged } from "../owner/witness.ts";
import { say } from "./options.ts";
import { exitCodeOf, UsageError, type ExitCode } from "./exit.ts";

/** One file a command; loaded when it is called, so that `verify` needs no database. */
type Command = (args: string[]) => Promise<ExitCode>;

const COMMANDS: Readonly<Record<string, { usage: string; load: () => Promise<Command> }>> = {
  hub: {
    usage: "hub [--data DIR] [--settings FILE] [--port N] [--json] | hub --alive [--data DIR]",
    load: async () => (await import("./hub.ts")).hub,
  },
  "owner claim": {
    usage: "owner claim --hub URL --code CODE --keys DIR [--classic] [--label NAME]",
    load: async () => (await import("./owner-claim.ts")).ownerClaim,
  },
  "owner pair": {
    usage: "owner pair --keys DIR [--role owner|adult|viewer] [--new-person] [--yes]",
    load: async () => (await import("./owner-pair.ts")).ownerPair,
  },
  "owner join": {
    usage: "owner join --hub URL --keys DIR [--label NAME] [--expect TEXT]",
    load: async () => (await import("./owner-join.ts")).ownerJoin,
  },
  "owner remove": {
    usage: "owner remove DEVICE|PERSON --keys DIR [--yes] [--json]",
    load: async () => (await import("./owner-remove.ts")).ownerRemove,
  },
  "owner policy": {
    usage: "owner policy --keys DIR [--export K] [--keyring K] [--veto 24h|0] [--json]",
    load: async () => (await import("./owner-keyring.ts")).ownerPolicy,
  },
  "owner keyring": {
    usage: "owner keyring [list|sign ID] --keys DIR [--yes] [--json]",
    load: async () => (await import("./owner-keyring.ts")).ownerKeyring,
  },
  "owner recover": {
    usage:
      "owner recover --sheet FILE --keys DIR [--hub URL] [--finish] [--person PERSON] [--remove DEVICE|PERSON] [--export-signers K] [--keyring-signers K] [--label NAME] [--yes] [--json]",
    load: async () => (await import("./owner-recover.ts")).ownerRecover,
  },
  "owner object": {
    usage: "owner object --keys DIR [--json]",
    load: async () => (await import("./owner-keyring.ts")).ownerObject,
  },
  "owner clips": {
    usage: "owner clips --keys DIR [--json]",
    load: async () => (await import("./owner-lists.ts")).ownerClips,
  },
  "owner requests": {
    usage: "owner requests --keys DIR [--json]",
    load: async () => (await import("./owner-lists.ts")).ownerRequests,
  },
  "owner ledger": {
    usage: "owner ledger --keys DIR [--json]",
    load: async () => (await import("./owner-ledger.ts")).ownerLedger,
  },
  "owner report": {
    usage: "owner report --keys DIR [--json] [--out FILE]",
    load: async () => (await import("./owner-report.ts")).ownerReport,
  },
  "owner devices": {
    usage: "owner devices --keys DIR [--json]",
    load: async () => (await import("./owner-lists.ts")).ownerDevices,
  },
  "owner open": {
    usage: "owner open CLIP --keys DIR --out FILE.mp4 [--rendition original|blurred] [--poster]",
    load: async () => (await import("./owner-open.ts")).ownerOpen,
  },
  "owner hold": {
    usage: "owner hold CLIP --keys DIR [--until T|--off] [--json]",
    load: async () => (await import("./owner-hold.ts")).ownerHold,
  },
  "owner delete": {
    usage: "owner delete CLIP --keys DIR [--json]",
    load: async () => (await import("./owner-delete.ts")).ownerDelete,
  },
  "owner undelete": {
    usage: "owner undelete CLIP --keys DIR [--json]",
    load: async () => (await import("./owner-undelete.ts")).ownerUndelete,
  },
  "owner retention": {
    usage: "owner retention --keys DIR [--json]",
    load: async () => (await import("./owner-retention.ts")).ownerRetention,
  },
  "owner rewrap": {
    usage:
      "owner rewrap --keys DIR [--from T] [--to T] [--dry-run|--delete|--undelete] [--yes] [--json]",
    load: async () => (await import("./owner-rewrap.ts")).ownerRewrap,
  },
  "owner sheet": {
    usage: "owner sheet --new|--split --keys DIR [--sheet FILE] [--out DIR] [--json]",
    load: async () => (await import("./owner-sheet.ts")).ownerSheet,
  },
  "owner form": {
    usage: "owner form --keys DIR [--expires 14d] [--visitor] --out request.html [--json]",
    load: async () => (await import("./owner-form.ts")).ownerForm,
  },
  "owner import": {
    usage: "owner import FILE --keys DIR [--json]",
    load: async () => (await import("./owner-import.ts")).ownerImport,
  },
  "owner request": {
    usage: "owner request --keys DIR --file request.json [--document FILE] [--json]",
    load: async () => (await import("./owner-import.ts")).ownerRequest,
  },
  "owner look": {
    usage: 'owner look REQUEST --keys DIR [--words "eight words"] [--json]',
    load: async () => (await import("./owner-handling.ts")).ownerLook,
  },
  "owner assure": {
    usage: "owner assure REQUEST --level none|called_back|met|known_key --keys DIR [--json]",
    load: async () => (await import("./owner-handling.ts")).ownerAssure,
  },
  "owner preserve": {
    usage: "owner preserve REQUEST --keys DIR [--days N] [--renew|--end] [--json]",
    load: async () => (await import("./owner-handling.ts")).ownerPreserve,
  },
  "owner document": {
    usage: "owner document REQUEST --keys DIR --out FILE | --delete",
    load: async () => (await import("./owner-handling.ts")).ownerDocument,
  },
  "owner notice": {
    usage: "owner notice --keys DIR --out notice.html",
    load: async () => (await import("./owner-notice.ts")).ownerNotice,
  },
  "owner approve": {
    usage:
      "owner approve REQUEST --keys DIR --clip CLIP[:blurred|:original][:audio] ... [--from T --to T] [--recipient age1...] [--rendition blurred|original] [--audio] [--purpose TEXT] [--expires 30d] [--yes] [--json]",
    load: async () => (await import("./owner-decide.ts")).ownerApprove,
  },
  "owner mailbox": {
    usage:
      "owner mailbox keep|list|refuse REQUEST|approve REQUEST --clip CLIP... --keys DIR [--from T --to T] [--recipient age1...] [--rendition blurred|original] [--audio] [--purpose TEXT] [--expires 30d] [--yes] [--json]",
    load: async () => (await import("./owner-mailbox.ts")).ownerMailbox,
  },
  "owner share": {
    usage:
      "owner share REQUEST --keys DIR --clip CLIP... [--from T --to T] [--rendition blurred|original] [--audio] [--purpose TEXT] [--for NAME] [--expires 7d] [--views 3] [--base URL] [--yes] [--json]",
    load: async () => (await import("./owner-share.ts")).ownerShare,
  },
  "owner shares": {
    usage: "owner shares REQUEST --keys DIR [--json]",
    load: async () => (await import("./owner-share.ts")).ownerShares,
  },
  "owner refuse": {
    usage: "owner refuse REQUEST --keys DIR [--json]",
    load: async () => (await import("./owner-decide.ts")).ownerRefuse,
  },
  "owner cosign": {
    usage: "owner cosign REQUEST --keys DIR [--yes] [--json]",
    load: async () => (await import("./owner-together.ts")).ownerCosign,
  },
  "owner revoke": {
    usage: "owner revoke REQUEST --keys DIR [--json]",
    load: async () => (await import("./owner-together.ts")).ownerRevoke,
  },
  "owner withdraw": {
    usage: "owner withdraw REQUEST --keys DIR [--proposal] [--json]",
    load: async () => (await import("./owner-together.ts")).ownerWithdraw,
  },
  "owner witness": {
    usage: "owner witness --keys DIR [--acknowledge] [--json]",
    load: async () => (await import("./owner-witness.ts")).ownerWitness,
  },
  "owner restored": {
    usage: "owner restored --keys DIR [--accept] [--yes] [--json]",
    load: async () => (await import("./owner-restored.ts")).ownerRestored,
  },
  "owner receipt": {
    usage: "owner receipt INDEX|CLIP --keys DIR --out FILE [--json]",
    load: async () => (await import("./owner-receipt.ts")).ownerReceipt,
  },
  "owner statement": {
    usage:
      "owner statement --month 2026-11 --keys DIR [--language en|fr] [--words TEXT] [--out FILE] [--yes] [--json]",
    load: async () => (await import("./owner-statement.ts")).ownerStatement,
  },
  "owner ui": {
    usage: "owner ui --keys DIR [--port N] [--no-open]",
    load: async () => (await import("./owner-ui.ts")).ownerUi,
  },
  "cameras find": {
    usage: "cameras find [--json]",
    load: async () => (await import("./cameras-find.ts")).camerasFind,
  },
  "cameras probe": {
    usage: "cameras probe ADDRESS [--user NAME] [--json]",
    load: async () => (await import("./cameras-probe.ts")).camerasProbe,
  },
  "cameras bell": {
    usage: "cameras bell CAMERA --keys DIR [--teach|--pick N|--remove N|--test] [--json]",
    load: async () => (await import("./cameras-bell.ts")).camerasBell,
  },
  "owner house": {
    usage: "owner house --keys DIR [--test] [--json]",
    load: async () => (await import("./owner-house.ts")).ownerHouse,
  },
  "cameras say": {
    usage: "cameras say CAMERA REPLY --keys DIR [--json]",
    load: async () => (await import("./cameras-say.ts")).camerasSay,
  },
  "cameras off": {
    usage: "cameras off CAMERA --keys DIR [--for 2h|--until morning] [--json]",
    load: async () => (await import("./cameras-privacy.ts")).camerasOff,
  },
  "cameras on": {
    usage: "cameras on CAMERA --keys DIR [--json]",
    load: async () => (await import("./cameras-privacy.ts")).camerasOn,
  },
  "cameras privacy": {
    usage: "cameras privacy --keys DIR [--json]",
    load: async () => (await import("./cameras-privacy.ts")).camerasPrivacy,
  },
  request: {
    usage: "request --form request.html --file request.json [--document FILE] --out my.request",
    load: async () => (await import("./request.ts")).request,
  },
  export: {
    usage: "export STATUS_URL --out bundle.zip",
    load: async () => (await import("./export.ts")).exportBundle,
  },
  verify: {
    usage:
      "verify BUNDLE [--viewer SHA256] | --report FILE | --receipt FILE | --statement FILE [--json]",
    load: async () => (await import("./verify.ts")).verify,
  },
  open: {
    usage: "open BUNDLE --identity FILE --out DIR",
    load: async () => (await import("./open.ts")).open,
  },
  check: {
    usage: "check --data DIR [--quick|--deep] [--json]",
    load: async () => (await import("./check.ts")).check,
  },
  restore: {
    usage:
      "restore --from COPY --data DIR|--drill [--sheet FILE ...|--keys DIR] [--endpoint URL --region NAME] [--writer NAME] [--state N] [--as-far-as-it-goes] [--yes] [--json]",
    load: async () => (await import("./restore.ts")).restore,
  },
  attack: {
    usage: "attack --data DIR [--pid PID] [--keys DIR] [--thorough] [--json]",
    load: async () => (await import("./attack.ts")).attack,
  },
  torture: {
    usage: "torture [GROUP...] [--full] [--json]",
    load: async () => (await import("./torture.ts")).torture,
  },
  doctor: {
    usage: "doctor [--data DIR] [--json]",
    load: async () => (await import("./doctor.ts")).doctor,
  },
};

const WITH_KEYS = new Set(["owner", "cameras", "open", "restore"]);

/** With what its first word goes on with: the whole usage would push this line off the screen. */
function unknownCommand(first: string, asked: string): string {
  const alike = Object.keys(COMMANDS)
    .filter((name) => name.startsWith(`${first} `))
    .map((name) => name.slice(first.length + 1));
  const goesOn = alike.length > 0 ? [`After "${first}" comes one of: ${alike.join(", ")}.`] : [];
  return [`There is no command "${asked}".`, ...goesOn, "./doorward help lists them all."].join(
    "\n",
  );
}

function usage(): string {
  const lines = Object.values(COMMANDS).map((command) => `  doorward ${command.usage}`);
  return [
    "Usage:",
    ...lines,
    "",
    "doorward --version says which version this is.",
    "Every owner command takes --hub URL where the hub is not where it was at the claim.",
    "Exit codes: 0 done, 1 the answer is no, 2 wrong use, 3 the environment lacks something.",
  ].join("\n");
}

async function run(args: string[]): Promise<ExitCode> {
  const [first = "", second = ""] = args;
  if (first === "" || first === "help" || first === "--help") {
    process.stdout.write(`${usage()}\n`);
    return first === "" ? 2 : 0;
  }
  if (first === "version" || first === "--version") {
    process.stdout.write(`doorward ${VERSION}\n`);
    return 0;
  }
  const isPair = Object.hasOwn(COMMANDS, `${first} ${second}`);
  const name = isPair ? `${first} ${second}` : first;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    process.stderr.write(`${unknownCommand(first, args.slice(0, 2).join(" "))}\n`);
    return 2;
  }
  // An owner's keys are in this process's memory, or the hub's that it starts.
  if (WITH_KEYS.has(args[0] ?? "")) refuseCoreDumps();
  try {
    return await (
      await command.load()
    )(args.slice(isPair ? 2 : 1));
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    say(error.message);
    if (error instanceof UsageError) process.stderr.write(`Usage: doorward ${command.usage}\n`);
    if (error instanceof LedgerRestored)
      say("Look at it, and answer: doorward owner restored --keys DIR");
    if (error instanceof LedgerChanged)
      process.stderr.write(
        `\nThis device saw:\n${error.before}\nThe hub now shows:\n${error.now}\nKeep both: together they prove what was done.\n`,
      );
    return exitCodeOf(error);
  }
}

// `owner clips | head` closes the pipe early; that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await run(process.argv.slice(2));
