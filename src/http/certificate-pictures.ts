/** One line of a drawn screen. */
export interface DrawnRow {
  readonly text: string;
  /** What stands at its end: a way on, a switch that is on, a ticked box, a button, or nothing. */
  readonly end?: "on" | "switch" | "tick" | "button";
  /** Where the finger goes. */
  readonly isMarked?: boolean;
}

/** A screen of somebody's system, drawn: enough of it to recognise the place. */
export interface DrawnScreen {
  readonly frame: "phone" | "window";
  readonly title: string;
  readonly rows: readonly DrawnRow[];
}

const WIDTH = 260;
const ROW = 30;
const TOP = 38;
const BOTTOM = 14;
const SIDE = 12;

/**
 * The screen as SVG, without a style or a script of its own: its colours are classes of the page's
 * style sheet. It says nothing that the words beside it do not.
 */
export function drawScreen({ frame, title, rows }: DrawnScreen): string {
  const height = TOP + rows.length * ROW + BOTTOM;
  const radius = frame === "phone" ? 22 : 8;
  const parts = [
    `<svg class="drawn" viewBox="0 0 ${WIDTH} ${height}" aria-hidden="true" focusable="false">`,
    `<rect class="glass" x="1" y="1" width="${WIDTH - 2}" height="${height - 2}" rx="${radius}"/>`,
    frame === "phone"
      ? `<rect class="part" x="${WIDTH / 2 - 24}" y="7" width="48" height="4" rx="2"/>`
      : [14, 25, 36].map((x) => `<circle class="part" cx="${x}" cy="13" r="3"/>`).join(""),
    `<text class="title" x="${WIDTH / 2}" y="29">${escapeText(title)}</text>`,
    ...rows.map((row, index) => drawRow(row, TOP + index * ROW)),
    "</svg>",
  ];
  return parts.join("");
}

function drawRow({ text, end, isMarked = false }: DrawnRow, y: number): string {
  const width = WIDTH - 2 * SIDE;
  const middle = y + ROW / 2;
  const isButton = end === "button";
  const background = `<rect class="${isMarked ? "marked" : "line"}" x="${SIDE}" y="${y + 2}" width="${width}" height="${ROW - 4}" rx="6"/>`;
  const words = isButton
    ? `<text class="act" x="${WIDTH / 2}" y="${middle + 4}">${escapeText(text)}</text>`
    : `<text x="${SIDE + 10}" y="${middle + 4}">${escapeText(text)}</text>`;
  return background + words + drawEnd(end, WIDTH - SIDE - 12, middle);
}

function drawEnd(end: DrawnRow["end"], x: number, middle: number): string {
  switch (end) {
    case "on":
      return `<path class="way" d="M${x - 3} ${middle - 4}l4 4-4 4"/>`;
    case "switch":
      return `<rect class="lit" x="${x - 22}" y="${middle - 8}" width="28" height="16" rx="8"/><circle class="knob" cx="${x - 2}" cy="${middle}" r="6"/>`;
    case "tick":
      return `<rect class="lit" x="${x - 10}" y="${middle - 8}" width="16" height="16" rx="3"/><path class="ticked" d="M${x - 6} ${middle}l3 3 6-6"/>`;
    case "button":
    case undefined:
      return "";
  }
}

export function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
