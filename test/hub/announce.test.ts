import { renderUnicodeCompact } from "uqr";
import { describe, expect, test } from "vitest";
import { announcedJson, announcedText, type Announced } from "../../src/hub/announce.ts";
import type { LanState } from "../../src/http/lan-desk.ts";
import { certificatePageOf } from "../../src/hub/lan-words.ts";

const WORDS = ["elm", "oak", "ash", "fir", "yew", "bay", "fig", "box"];
const FINGERPRINT = Array.from({ length: 32 }, (_, index) =>
  (index + 16).toString(16).toUpperCase(),
).join(" ");
const URL_HERE = "http://localhost:8080";
const QR = /[█▀▄]{4}/;

function openLan(addresses: readonly string[], changes: Partial<LanState> = {}): LanState {
  const name = changes.name ?? "doorward.local";
  return {
    ...{ name, origin: `https://${name}:8443`, words: WORDS, fingerprint: FINGERPRINT },
    ...{ isOpen: true, addresses, certificate: "household", expiresAtMs: 0, moving: null },
    certificatePage: certificatePageOf(name, { addresses, port: 8088 }),
    trouble: null,
    ...changes,
  };
}

const CLOSED: LanState = {
  ...openLan([]),
  ...{ origin: null, words: null, fingerprint: null, isOpen: false, certificatePage: null },
};

const announced = (lan: LanState, claimCode: string | null = "AAAA-BBBB-CCCC"): Announced => ({
  ...{ url: URL_HERE, claimCode, lan, cameras: [{ id: "door", name: "Door" }] },
});
const textOf = (lan: LanState, claimCode?: string | null): string =>
  announcedText(announced(lan, claimCode));

describe("what the console says", () => {
  test("unclaimed: the code, the page as a QR code and under every address, words, fingerprint", () => {
    const text = textOf(openLan(["192.168.1.5", "10.0.0.2", "fd00::5", "fe80::1%eth0"]));
    expect(text).toContain(`Doorward is at ${URL_HERE}`);
    expect(text).toContain("AAAA-BBBB-CCCC");
    // From another computer that address leads to itself, so the way here is given with it.
    expect(text.split("\n")).toContain("  ssh -L 8080:localhost:8080 HUB");
    for (const row of renderUnicodeCompact("http://192.168.1.5:8088/", { border: 2 }).split("\n"))
      expect(text).toContain(row);
    for (const page of ["192.168.1.5", "10.0.0.2", "[fd00::5]"])
      expect(text.split("\n")).toContain(`  http://${page}:8088/`);
    expect(text).not.toContain("fe80");
    expect(text).toContain("doorward.local   (https://doorward.local:8443)");
    expect(text).toContain(WORDS.join(" "));
    // On two lines, to be read in halves.
    expect(text.replaceAll(/\n +/g, " ")).toContain(FINGERPRINT);
    // The words alone settle nothing: the page that shows them came over plain HTTP.
    expect(text).toContain("beside a certificate of his own");
    expect(text).toContain("the phone shows it in its own settings");
  });

  test("claimed: no code, no QR code, but where another phone finds the page, and what to compare", () => {
    const text = textOf(openLan(["192.168.1.5"]), null);
    expect(text).toContain("Its household is in charge");
    expect(text).not.toMatch(/Claim code|owner claim|ssh -L/);
    expect(text).not.toMatch(QR);
    expect(text).toContain("For another phone of the house:\n\n  http://192.168.1.5:8088/");
    expect(text).toContain(WORDS.join(" "));
  });

  test("with a certificate of the owner's own: the name, and nothing to compare", () => {
    const text = textOf(
      openLan(["192.168.1.5"], { certificate: "own", words: null, fingerprint: null }),
    );
    expect(text).toContain("https://doorward.local:8443");
    expect(text).not.toMatch(/Eight words|Fingerprint/);
  });

  test("without an address: that there is none, and that it looks again", () => {
    const trouble = "This machine has no address on a local network";
    for (const claimCode of ["AAAA-BBBB-CCCC", null]) {
      const text = textOf({ ...CLOSED, trouble }, claimCode);
      expect(text).toContain(URL_HERE);
      expect(text).toContain(`On the local network: ${trouble}.\n  The hub looks again by itself`);
      expect(text).not.toMatch(QR);
      expect(text).not.toContain("Its name");
    }
    expect(textOf(CLOSED)).not.toContain("local network");
  });

  test("with a link-local IPv6 address only: the name leads there, where multicast DNS knows it", () => {
    const text = textOf(openLan(["fe80::1%eth0"]));
    for (const row of renderUnicodeCompact("http://doorward.local:8088/", { border: 2 }).split(
      "\n",
    ))
      expect(text).toContain(row);
    expect(text).toContain("\n  http://doorward.local:8088/\n");
    // Another name has no way there by itself: then it is the name that is said, and no page.
    const other = textOf(openLan(["fe80::1%eth0"], { name: "door.example.org" }));
    expect(other).not.toMatch(QR);
    expect(other).toContain("door.example.org   (https://door.example.org:8443)");
    expect(other).toContain(WORDS.join(" "));
  });

  test("a page that is shut for a taken port leaves name and words", () => {
    const trouble = "Port 8088 of 192.168.1.5 is in use";
    const text = textOf(openLan(["192.168.1.5"], { certificatePage: null, trouble }));
    expect(text).toContain(`On the local network: ${trouble}.`);
    expect(text).toContain(WORDS.join(" "));
    expect(text).not.toMatch(QR);
  });
});

test("the line for scripts is one line, and says nothing of a local network that is closed", () => {
  const line = announcedJson(announced(openLan(["192.168.1.5"])));
  expect(line.indexOf("\n")).toBe(line.length - 1);
  expect(JSON.parse(line)).toEqual({
    ...{ url: URL_HERE, claimCode: "AAAA-BBBB-CCCC", cameras: [{ id: "door", name: "Door" }] },
    lan: {
      ...{ name: "doorward.local", origin: "https://doorward.local:8443", words: WORDS },
      certificatePage: "http://192.168.1.5:8088/",
    },
  });
  expect(JSON.parse(announcedJson(announced(CLOSED)))).toMatchObject({ lan: null });
});
