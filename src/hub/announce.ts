import { renderUnicodeCompact } from "uqr";
import type { LanState } from "../http/lan-desk.ts";
import { hostOfAddress } from "./lan-words.ts";
import { isLinkLocalAddress } from "../lan/names.ts";

/** What the hub says on its console once it runs. */
export interface Announced {
  readonly url: string;
  /** Null once somebody has claimed it. */
  readonly claimCode: string | null;
  readonly cameras: readonly { readonly id: string; readonly name: string }[];
  readonly lan: LanState;
}

/** The one line for scripts. */
export function announcedJson({ url, claimCode, cameras, lan }: Announced): string {
  const shown = cameras.map(({ id, name }) => ({ id, name }));
  const { name, origin, words, certificatePage } = lan;
  const house = lan.isOpen ? { name, origin, words, certificatePage } : null;
  return `${JSON.stringify({ url, claimCode, cameras: shown, lan: house })}\n`;
}

/** For people; the square is for the camera of a phone. */
export function announcedText(announced: Announced): string {
  const { url, claimCode, lan } = announced;
  const lines = ["", `  Doorward is at ${url}`];
  if (claimCode === null)
    lines.push(
      "  Its household is in charge. Open that address, or: ./doorward owner clips --keys DIR",
    );
  else
    lines.push(
      `  Claim code:    ${claimCode}`,
      "",
      "  It belongs to nobody yet, so nothing is recorded. To found the household, open the page",
      "  and type the code in, best on another device: the keys are made where you do that. From",
      "  another computer, this leads that address here (HUB is this machine's name or address):",
      `  ssh -L ${tunnelOf(url)} HUB`,
      "",
      "  Without a browser:",
      `  ./doorward owner claim --hub ${url} --code ${claimCode} --keys keys`,
    );
  lines.push(...lanLines(announced));
  if (lan.trouble !== null)
    lines.push(
      "",
      `  On the local network: ${lan.trouble}.`,
      "  The hub looks again by itself, and says here when all is well.",
    );
  return `${lines.join("\n")}\n\n`;
}

function tunnelOf(url: string): string {
  const { port } = new URL(url);
  return `${port}:localhost:${port}`;
}

function lanLines({ claimCode, lan }: Announced): string[] {
  const { certificatePage, origin, name, words, fingerprint } = lan;
  if (!lan.isOpen && certificatePage === null) return [];
  const lines = certificatePage === null ? [""] : pageLines(certificatePage, claimCode, lan);
  lines.push(`  Its name:      ${name}${origin === null ? "" : `   (${origin})`}`);
  if (words !== null)
    lines.push(
      `  Eight words:   ${words.join(" ")}`,
      "  For a quick look: the certificate page shows the same. It comes without encryption, so",
      "  somebody who controls the network could show them beside a certificate of his own.",
    );
  if (fingerprint !== null)
    lines.push(
      `  Fingerprint:   ${fingerprint.slice(0, 47)}`,
      `                 ${fingerprint.slice(48)}`,
      "  What is certain: the phone shows it in its own settings, for what it was told to trust.",
    );
  return lines;
}

function pageLines(page: string, claimCode: string | null, lan: LanState): string[] {
  const lines = [""];
  if (claimCode === null) lines.push("  For another phone of the house:");
  else
    lines.push(
      "  With a phone in the same network, scan this and follow the page. It shows how to trust",
      "  this hub, and then asks for the claim code:",
      "",
      ...renderUnicodeCompact(page, { border: 2 })
        .split("\n")
        .map((row) => `  ${row}`),
    );
  return [...lines, "", `  ${page}`, ...otherPages(lan).map((other) => `  ${other}`), ""];
}

/** The page under this machine's further addresses; a phone is on one of its networks. */
function otherPages({ addresses, certificatePage }: LanState): string[] {
  if (certificatePage === null) return [];
  const { port } = new URL(certificatePage);
  return addresses
    .filter((address) => !isLinkLocalAddress(address))
    .map((address) => `http://${hostOfAddress(address)}:${port}/`)
    .filter((page) => page !== certificatePage);
}
