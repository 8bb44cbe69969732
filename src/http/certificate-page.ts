import type { Authority } from "../lan/authority.ts";
import { drawScreen, escapeText } from "./certificate-pictures.ts";
import type { PageLanguage, Platform } from "./certificate-reader.ts";
import { english, type CertificateWords, type Named, type Step } from "./certificate-words.en.ts";
import { french } from "./certificate-words.fr.ts";

export interface CertificatePageState {
  readonly isClaimed: boolean;
  /** Somebody chose the name, or the settings say it. */
  readonly isNamed: boolean;
  readonly name: string;
  /** Names before this one, whose certificates are gone. */
  readonly former: readonly string[];
  /** As `https://doorward.local:8443`; null while the hub does not listen there. */
  readonly origin: string | null;
  /** Null where the owner's own certificate or a reverse proxy is used. */
  readonly authority: Pick<Authority, "words" | "fingerprint"> | null;
}

export type NameRefusal = "malformed" | "taken" | "failed";

export interface CertificatePage {
  readonly state: CertificatePageState;
  readonly language: PageLanguage;
  readonly platform: Platform;
  /** The name that was typed and not taken. */
  readonly refused: { readonly why: NameRefusal; readonly typed: string } | null;
}

const PLATFORMS: readonly Platform[] = ["iphone", "android", "windows", "mac", "linux"];
const TYPED_SHOWN_MAX = 100;

/** Whether the name is still to be chosen: then that is all the page shows. */
export function isAsked({ isClaimed, isNamed }: CertificatePageState): boolean {
  return !isClaimed && !isNamed;
}

/** The page as HTML that works without a script; its style is a file beside it. */
export function certificatePage(page: CertificatePage): string {
  const words = page.language === "fr" ? french : english;
  const body = isAsked(page.state) ? questionOf(page, words) : stepsOf(page, words);
  return [
    "<!doctype html>",
    `<html lang="${words.language}">`,
    "<head>",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="robots" content="noindex">',
    `<title>${words.title}</title>`,
    '<link rel="stylesheet" href="/style.css">',
    "</head>",
    "<body>",
    `<header><p class="brand">${words.title}</p><a href="/?language=${words.other.code}" lang="${words.other.code}">${words.other.label}</a></header>`,
    `<main>${body}</main>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

function questionOf({ refused, language }: CertificatePage, words: CertificateWords): string {
  const { question } = words;
  const typed = refused === null ? "" : escapeText(refused.typed.slice(0, TYPED_SHOWN_MAX));
  const hidden = `<input type="hidden" name="language" value="${language}">`;
  const trouble =
    refused === null ? "" : `<p class="note bad" role="alert">${question[refused.why]}</p>`;
  const invalid = refused === null ? "" : ' aria-invalid="true"';
  return `<h1>${question.title}</h1>
<p>${question.lead}</p>
${trouble}
<section class="card">
<h2>${question.homeTitle}</h2>
<p>${question.homeText}</p>
<form method="post" action="/name">${hidden}<input type="hidden" name="name" value="doorward.local">
<button class="primary">${question.homeButton}</button></form>
</section>
<section class="card">
<h2>${question.awayTitle}</h2>
<p>${question.awayText}</p>
<form method="post" action="/name" class="stack">${hidden}
<label>${question.field}<input name="name" type="text" inputmode="url" required maxlength="100" autocapitalize="none" autocomplete="off" spellcheck="false" placeholder="${question.example}" value="${typed}"${invalid}></label>
<div><button>${question.awayButton}</button></div></form>
${howOf(words)}
</section>`;
}

function stepsOf(page: CertificatePage, words: CertificateWords): string {
  const { state } = page;
  if (state.authority === null)
    return `<h1>${words.own.title}</h1><p>${words.own.text}</p>${checkOf(page, words)}`;
  const { trust } = words;
  const name = escapeText(state.name);
  const named = { name, authority: `Doorward for ${state.name}`.slice(0, 64) };
  const listed = state.authority.words.map((word) => `<li>${escapeText(word)}</li>`).join("");
  return `<h1>${trust.title}</h1>
<p>${trust.lead(named)}</p>
${formerOf(page, words)}
<section class="card">
<h2>${trust.wordsTitle}</h2>
<p>${trust.words}</p>
<ol class="words">${listed}</ol>
<details><summary>${trust.fingerprint}</summary>
<p class="mono">${escapeText(state.authority.fingerprint)}</p></details>
<p class="quiet small">${trust.unsure}</p>
</section>
<section class="stack">
<h2>${trust.stepsTitle}</h2>
${platformsFirst(page.platform)
  .map((platform, index) => platformOf(words, platform, named, index === 0))
  .join("")}
</section>
<section class="card">${checkOf(page, words)}</section>
<p class="quiet small">${trust.remove}</p>`;
}

function formerOf({ state }: CertificatePage, { trust }: CertificateWords): string {
  if (state.isClaimed || state.former.length === 0) return "";
  return `<p class="note warn">${trust.former(escapeText(state.former.join(", ")))}</p>`;
}

function platformsFirst(first: Platform): Platform[] {
  return [first, ...PLATFORMS.filter((platform) => platform !== first)];
}

function platformOf(
  words: CertificateWords,
  platform: Platform,
  named: Named,
  isOpen: boolean,
): string {
  const { name, file, steps, hint, shownAt } = words.platforms[platform](named);
  const { trust } = words;
  const fetchIt = file === "crt" ? trust.download : trust.downloadProfile;
  const button = `<a class="button primary" href="/doorward.${file}">${fetchIt}</a>`;
  return `<details class="card platform"${isOpen ? " open" : ""}>
<summary><h3>${name}</h3></summary>
<p>${button}</p>
<ol class="steps">${steps.map(stepOf).join("")}</ol>
${hint === undefined ? "" : `<p class="note">${escapeText(hint)}</p>`}
<p class="quiet small">${trust.where} ${escapeText(shownAt)}</p>
</details>`;
}

function stepOf({ text, screen }: Step): string {
  return `<li><p>${escapeText(text)}</p>${screen ? drawScreen(screen) : ""}</li>`;
}

function checkOf({ state, platform }: CertificatePage, words: CertificateWords): string {
  const { trust } = words;
  if (state.origin === null) return `<p class="note warn">${words.notReady}</p>`;
  const origin = escapeText(state.origin);
  const isIphone = platform === "iphone";
  const onward = [
    ...(isIphone ? [`<p>${trust.onwardIphone}</p>${drawScreen(trust.iphoneScreen)}`] : []),
    `<p>${state.isClaimed ? trust.onwardClaimed : trust.onward}</p>`,
  ];
  return `<h2>${trust.checkTitle}</h2>
<p>${trust.check}</p>
<p><a class="button primary" href="${origin}/">${trust.open}</a></p>
<p class="mono">${origin}</p>
${state.name.endsWith(".local") ? "" : howOf(words)}
${onward.join("\n")}`;
}

/** What leads a name to the hub: a `.local` one finds its way at home by itself. */
function howOf({ question }: CertificateWords): string {
  const listed = question.how.map((each) => `<li>${each}</li>`).join("");
  return `<details><summary>${question.howTitle}</summary><ul>${listed}</ul></details>`;
}
