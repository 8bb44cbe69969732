import { ENGLISH, FRENCH } from "../../web/form/form-words.ts";
import { french as cameraProblems } from "../../web/page/words/camera-problem-words.ts";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { projectRoot } from "../support/requirements.ts";

/** Every word that the page, the viewer, the form and a notification can say, in both languages. */

const WEB = path.join(projectRoot, "web");
const WEB_FILES = readdirSync(WEB, { recursive: true, encoding: "utf8" })
  .filter((file) => /\.(?:ts|svelte)$/.test(file) && !file.startsWith("dist"))
  .toSorted();

/** Files of words without their language: `page/screens/live/talk-words`. */
const WORDS = WEB_FILES.filter((file) => file.endsWith("words.en.ts")).map((file) =>
  file.slice(0, -".en.ts".length),
);

/** People at the door are people; what they are up to is nobody's guess. */
const NEVER_SAID = {
  en: /\b(?:suspicious|suspects?|strangers?|intruders?|prowlers?|thie(?:f|ves)|burglars?|trespassers?|loiter\w*|creep\w*|criminals?)\b/i,
  fr: /(?<!\p{L})(?:suspecte?s?|inconnue?s?|rôdeu(?:r|se)s?|intruse?s?|vol(?:eur|euse)s?|cambrioleu(?:r|se)s?|louches?|malfaiteurs?|criminel(?:le)?s?)(?!\p{L})/iu,
} as const;
const CLICK_HERE = /\b(?:click here|cliquez ici|read more here)\b/i;

/** French signs that a line could begin with, or that stand apart: without a space that holds them. */
const LOOSE_IN_FRENCH = /(?<!\u00a0)[;!?»]|(?<!\u00a0):(?!\/\/|\d)|«(?!\u00a0)/;

/** Where nothing is to be said, and a look-up by state wants an answer all the same. */
const SAYS_NOTHING = new Set(["mainWhy.none", "states.idle"]);

/** Lines of the recovery sheet, which a program reads as well. */
const READ_BY_PROGRAMS = new Set(["sheet.printKind", "classic"]);

interface Said {
  /** Where it stands: `proof.wrong`. */
  readonly at: string;
  readonly value: string | ((...values: never[]) => unknown);
}

function* saidIn(value: unknown, at: string): Generator<Said> {
  if (typeof value === "string" || typeof value === "function")
    yield { at, value: value as Said["value"] };
  else if (value !== null && typeof value === "object")
    for (const [name, each] of Object.entries(value))
      yield* saidIn(each, at === "" ? name : `${at}.${name}`);
  else throw new Error(`${at} is neither text nor a function that makes some`);
}

/** As it is said with values that show where they went. */
function textOf({ value, at }: Said): string {
  if (typeof value === "string") return value;
  const values = Array.from({ length: value.length }, (_, index) => (index + 2) as never);
  const text = value(...values);
  if (typeof text !== "string") throw new Error(`${at} makes no text`);
  return text;
}

async function wordsOf(words: string, language: "en" | "fr"): Promise<Said[]> {
  const file = path.join(WEB, `${words}.${language}.ts`);
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const name = language === "en" ? "english" : "french";
  const parts = Object.entries(module).filter(([exported]) => exported.startsWith(name));
  expect(parts.length, file).toBeGreaterThan(0);
  return parts.flatMap(([exported, value]) => [
    ...saidIn(value, exported.slice(name.length).toLowerCase()),
  ]);
}

test("there are words to look at", () => {
  for (const words of ["page/words/words", "page/screens/live/talk-words", "viewer/words"])
    expect(WORDS).toContain(words);
});

describe.each(WORDS)("%s", (words) => {
  test("are there in both languages: the same names, the same values, none empty", async () => {
    expect(existsSync(path.join(WEB, `${words}.fr.ts`))).toBe(true);
    const [english, french] = [await wordsOf(words, "en"), await wordsOf(words, "fr")];
    const shape = (said: Said[]): string[] => said.map(({ at }) => at).toSorted();
    expect(shape(french)).toEqual(shape(english));
    const inFrench = new Map(french.map((said) => [said.at, said]));
    for (const one of english) {
      const other = inFrench.get(one.at);
      expect(typeof other?.value, one.at).toBe(typeof one.value);
      if (other) expect(valuesIn(other), `values in ${one.at}`).toEqual(valuesIn(one));
      if (SAYS_NOTHING.has(one.at)) continue;
      for (const said of [one, other]) expect(said && textOf(said).trim(), one.at).not.toBe("");
    }
  });

  test.each(["en", "fr"] as const)("in %s are neutral and calm", async (language) => {
    for (const said of await wordsOf(words, language)) {
      const text = textOf(said);
      expect(text, said.at).not.toMatch(NEVER_SAID[language]);
      expect(text, said.at).not.toMatch(CLICK_HERE);
      expect(text, said.at).not.toContain("!");
    }
  });
});

describe("French signs stand with their words, also where a line ends", () => {
  test.each(WORDS)("in %s", async (words) => {
    const loose = (await wordsOf(words, "fr"))
      .filter((said) => LOOSE_IN_FRENCH.test(textOf(said)))
      .map(({ at }) => at);
    expect(loose.filter((at) => !READ_BY_PROGRAMS.has(at))).toEqual([]);
  });

  test("in what keeps a camera from giving pictures", () => {
    const all = [...saidIn(cameraProblems, "")];
    expect(all.length).toBeGreaterThan(5);
    for (const said of all) expect(textOf(said), said.at).not.toMatch(LOOSE_IN_FRENCH);
  });

  test("(control: a space that breaks is found, and none that holds)", () => {
    for (const text of ["Qui ?", "Qui?", "oui ; non", "Il manque : rien", "« oui\u00a0»", "«oui»"])
      expect(text).toMatch(LOOSE_IN_FRENCH);
    for (const text of ["Qui\u00a0?", "rtsp://porte", "à 14:05", "«\u00a0oui\u00a0»", "d’ici"])
      expect(text).not.toMatch(LOOSE_IN_FRENCH);
  });
});

describe("nothing is translated that nobody says", () => {
  const code = WEB_FILES.filter((file) => !/words\.(?:en|fr)\.ts$/.test(file))
    .map((file) => readFileSync(path.join(WEB, file), "utf8"))
    .join("\n");

  /** By its name, or by a look-up in the group that it stands in. */
  function isSaid(at: string): boolean {
    return at
      .split(".")
      .slice(-2)
      .some((name) => new RegExp(`\\b${name}\\b`).test(code));
  }

  test.each(WORDS)("%s", async (words) => {
    const unsaid = (await wordsOf(words, "en")).filter(({ at }) => !isSaid(at));
    expect(unsaid.map(({ at }) => at)).toEqual([]);
  });

  test("(control: a word that no screen names is found)", () => {
    expect(isSaid("thisIsNamedNowhere")).toBe(false);
    expect(isSaid("title")).toBe(true);
  });
});

describe("the form that a requester fills in", () => {
  test.each(Object.entries({ en: ENGLISH, fr: FRENCH }))("in %s", (language, words) => {
    for (const said of saidIn(words, "")) {
      const text = textOf(said);
      expect(text, said.at).not.toMatch(NEVER_SAID[language as "en" | "fr"]);
      expect(text, said.at).not.toMatch(CLICK_HERE);
      if (language === "fr") expect(text, said.at).not.toMatch(LOOSE_IN_FRENCH);
    }
  });
});

test("the search for words that are never said finds them", () => {
  for (const text of ["A suspicious person", "Two strangers", "thieves"])
    expect(text).toMatch(NEVER_SAID.en);
  for (const text of ["un suspect", "une inconnue", "Rôdeur au portail", "un voleur"])
    expect(text).toMatch(NEVER_SAID.fr);
  // French words that only look like them.
  for (const text of ["le volume", "reconnu", "un vol"]) expect(text).not.toMatch(NEVER_SAID.fr);
});

/** Which of the values that words are given appear in them. */
function valuesIn(said: Said): string[] {
  return typeof said.value === "string"
    ? []
    : [...new Set(textOf(said).match(/\d+/g) ?? [])].toSorted();
}
