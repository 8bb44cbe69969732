import type { LanState } from "../http/lan-desk.ts";
import type { MdnsReport } from "../lan/mdns.ts";
import { MalformedInput } from "../protocol/errors.ts";
import { isHouseName } from "../protocol/house-name.ts";

/** In words, all that keeps the local network from working as it should; null where nothing does. */
export function troubleOf(found: {
  /** What went wrong when it was last looked at. */
  readonly problems: readonly string[];
  readonly isOpen: boolean;
  readonly names: readonly string[];
  readonly hasAddress: boolean;
  readonly ofCertificates: string | null;
  /** The owner's own certificate is not for the name in force. */
  readonly isOwnUnused: boolean;
  readonly report: (name: string) => MdnsReport | null;
}): string | null {
  const { names, isOpen } = found;
  const said = [...found.problems];
  if (isOpen) {
    if (found.ofCertificates !== null) said.push(found.ofCertificates);
    if (!found.hasAddress && said.length === 0)
      said.push("This machine has no address on a local network");
    for (const name of names) said.push(...nameTrouble(name, found.report(name)));
    if (found.isOwnUnused && found.ofCertificates === null)
      said.push(`The certificate of listen.certificate is not for ${names[0] ?? ""}`);
  }
  return said.length === 0 ? null : said.join(". ");
}

function nameTrouble(name: string, report: MdnsReport | null): string[] {
  if (report?.state === "off") return [`${name} is not made known: ${report.reason}`];
  if (report?.state !== "taken") return [];
  return [
    `${name} is taken: another machine on the network answers to it, at ${report.by}`,
    "While it does, the hub does not use the name, and it never changes its own",
  ];
}

/** Why an address could not be listened on. */
export function listenTrouble(
  { address, code }: { readonly address: string; readonly code: string },
  port: number,
): string {
  if (code === "EADDRINUSE")
    return `Port ${port} of ${address} is in use; set another one below listen in the settings`;
  return `The hub cannot listen on ${address}, port ${port} (${code})`;
}

/** As it stands in an address line, where no browser takes a zone. */
export function hostOfAddress(address: string): string {
  const [plain = ""] = address.split("%");
  return plain.includes(":") ? `[${plain}]` : plain;
}

/** @throws MalformedInput */
export function requireName(name: string): void {
  if (!isHouseName(name))
    throw new MalformedInput(
      "name",
      "Cannot use that name: expected one as doorward.local or door.example.org, in small letters",
    );
}

/** For the console, where another name means another authority: what to compare it by. */
export function nameSaid(
  { name, words, fingerprint }: LanState,
  former: readonly string[],
): string {
  const said = [`the hub goes by ${name} on the local network now`];
  if (words) said.push(`its eight words: ${words.join(" ")}`);
  if (fingerprint !== null) said.push(`its fingerprint: ${fingerprint}`);
  if (former.length > 0)
    said.push(
      `what it showed before, for ${former.join(", ")}, is gone: a phone that trusted it has to trust this`,
    );
  return said.join("; ");
}

/** For the console, where nobody saw the page's address when the hub was started. */
export function wellAgain({ certificatePage, origin }: LanState): string {
  const found = [origin, certificatePage && `certificate page ${certificatePage}`];
  return ["local network: all is well again", ...found.filter((each) => each !== null)].join("; ");
}

/** Where a phone finds the certificate page; null where no address leads there. */
export function certificatePageOf(
  name: string,
  { addresses, port }: { readonly addresses: readonly string[]; readonly port: number },
): string | null {
  // In an address line, a link-local one lacks the zone that it needs: the name knows the way.
  const address = addresses.find((each) => !each.includes("%"));
  if (address !== undefined) return `http://${hostOfAddress(address)}:${port}/`;
  return addresses.length > 0 && name.endsWith(".local") ? `http://${name}:${port}/` : null;
}
