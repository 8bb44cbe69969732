import type { KindFigures, ReportFigures } from "../protocol/report.ts";
import type { ReportStatement } from "../protocol/verify-report.ts";

const COLUMNS: readonly (readonly [title: string, of: (row: KindFigures) => number])[] = [
  ["received", ({ received }) => received],
  ["approved", ({ approved }) => approved],
  ["in part", ({ approvedInPart }) => approvedInPart],
  ["refused", ({ refused }) => refused],
  ["expired", ({ expired }) => expired],
  ["withdrawn", ({ withdrawn }) => withdrawn],
  ["open", ({ open }) => open],
];
const KIND_WIDTH = 18;

/** A transparency report as people read it; owner and verifier print the same text. */
export function reportText({ origin, atMs, figures, checkpoint }: ReportStatement): string {
  return [
    `Transparency report of ledger ${origin}`,
    `Made ${utc(atMs)} from all ${checkpoint.size} entries, ${utc(figures.fromMs)} to ${utc(figures.toMs)}`,
    "",
    ...requestLines(figures),
    "",
    `Recordings: ${figures.recordings}. Cut off: ${figures.torn}. Deleted: ${figures.deletions}. Held: ${figures.holds}, and because of a request: ${figures.preservations}. Sealed anew: ${figures.rewraps}.`,
    `The household itself: ${figures.views} opened, ${figures.live} live.`,
    `Releases: ${figures.releases}, with ${figures.releasedFiles} files. Links: ${figures.shares}. Downloads: ${figures.accesses}. Taken back: ${figures.revocations}. Time over: ${figures.lapses}.`,
    `Cameras switched off: ${figures.switchedOff}. Monthly statements: ${figures.statements}. Heartbeats: ${figures.heartbeats}.`,
    `Disclosures without an owner's approval: ${figures.disclosuresWithoutApproval}`,
    ...(figures.restored > 0
      ? [
          `The hub went on from a copy: ${figures.restored} times. What was lost then is in no figure.`,
        ]
      : []),
    ...(figures.outOfPlace > 0
      ? [`Entries that do not follow from those before: ${figures.outOfPlace}`]
      : []),
  ].join("\n");
}

function requestLines({ requests }: ReportFigures): string[] {
  if (requests.length === 0) return ["Nobody has asked for anything."];
  const sum = (of: (row: KindFigures) => number): number =>
    requests.reduce((total, row) => total + of(row), 0);
  const line = (name: string, cells: readonly (string | number)[]): string =>
    name.padEnd(KIND_WIDTH) + cells.map((cell) => String(cell).padStart(10)).join("");
  const withoutSeconds = sum((row) => row.withoutSeconds);
  const emergencies = sum(({ emergency }) => emergency);
  return [
    line(
      "Requests",
      COLUMNS.map(([title]) => title),
    ),
    ...requests.map((row) =>
      line(
        row.kind,
        COLUMNS.map(([, of]) => of(row)),
      ),
    ),
    line(
      "all",
      COLUMNS.map(([, of]) => sum(of)),
    ),
    `Seconds asked for: ${sum(({ secondsAsked }) => secondsAsked)}. Granted: ${sum(({ secondsGranted }) => secondsGranted)}.${withoutSeconds > 0 ? ` ${withoutSeconds} older entries do not say.` : ""}`,
    `Approvals with clear faces: ${sum(({ clearFaces }) => clearFaces)}. With sound: ${sum(({ audio }) => audio)}. Requesters an owner knows: ${sum(({ assured }) => assured)}.`,
    ...(emergencies > 0 ? [`Said to be an emergency: ${emergencies}. That changed nothing.`] : []),
  ];
}

/** In UTC, so that the text is the same wherever it is printed. */
function utc(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16)}Z`;
}
