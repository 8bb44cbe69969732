import { expect, test } from "vitest";
import { noticePage, type NoticeFacts } from "../../src/protocol/door-notice.ts";

const HOUR_MS = 3_600_000;
const FACTS: NoticeFacts = {
  ...{ cameras: 2, withSound: 1, motionMs: 72 * HOUR_MS, bellMs: 720 * HOUR_MS },
  ...{ contact: "at the desk", url: null },
};

/** What the page says in each language, without its marks. */
function said(changes: Partial<NoticeFacts>): { en: string; fr: string } {
  const page = noticePage({ ...FACTS, ...changes });
  const section = (language: string): string =>
    (page.split(`<section lang="${language}">`)[1] ?? "").split("</section>")[0] ?? "";
  return { en: section("en"), fr: section("fr") };
}

test.each([
  [2, 0, "Sound is not recorded.", "Le son n’est pas enregistré."],
  [2, 2, "Sound is recorded, too.", "Le son est enregistré aussi."],
  [2, 1, "Some cameras also record sound.", "Certaines caméras enregistrent aussi le son."],
])("of %i cameras %i hear", (cameras, withSound, english, french) => {
  const { en, fr } = said({ cameras, withSound });
  expect(en).toContain(english);
  expect(fr).toContain(french);
});

test.each([
  [0, "No camera records here at present.", "Aucune caméra n’enregistre ici"],
  [1, "One camera records here.", "Une caméra enregistre ici."],
  [2, "2 cameras record here.", "2 caméras enregistrent ici."],
])("of %i cameras it says so", (cameras, english, french) => {
  const { en, fr } = said({ cameras, withSound: 0 });
  expect(en).toContain(english);
  expect(fr).toContain(french);
});

test.each([
  [1, 1, "At this moment nothing is recorded", "En ce moment rien n’est enregistré"],
  [2, 1, "At this moment 1 of them is switched off", "1 d’entre elles est éteinte"],
  [3, 2, "At this moment 2 of them are switched off", "2 d’entre elles sont éteintes"],
])("of %i cameras of which %i are off", (cameras, switchedOff, english, french) => {
  const { en, fr } = said({ cameras, switchedOff });
  expect(en).toContain(english);
  expect(fr).toContain(french);
  expect(said({ cameras }).en).not.toContain("At this moment");
});

test.each([
  [0, "1 hour", "1 heure"],
  [HOUR_MS, "1 hour", "1 heure"],
  [2 * HOUR_MS, "2 hours", "2 heures"],
  [23 * HOUR_MS, "23 hours", "23 heures"],
  [24 * HOUR_MS, "1 day", "1 jour"],
  [25 * HOUR_MS, "25 hours", "25 heures"],
  [72 * HOUR_MS, "3 days", "3 jours"],
])("a recording of motion that stays %i milliseconds", (motionMs, english, french) => {
  const { en, fr } = said({ motionMs, bellMs: 1_000 * 24 * HOUR_MS });
  expect(en).toMatch(new RegExp(`\\b${english}\\b`));
  expect(fr).toMatch(new RegExp(`\\b${french}\\b`));
});

test("what an owner wrote stays text, and the address is there where there is one", () => {
  const hostile = `<img src=x onerror="alert('1')">&`;
  const { en } = said({ contact: hostile, url: "https://hub.example/notice" });
  expect(en).toContain("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;");
  expect(en).toContain("<code>https://hub.example/notice</code>");
  expect(noticePage(FACTS)).not.toContain("<svg");
  expect(noticePage({ ...FACTS, url: "https://hub.example/notice" })).toContain("<svg");
});
