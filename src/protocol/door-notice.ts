import Type, { type Static } from "typebox";
import { encode } from "uqr";
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64, utf8Bytes } from "./bytes.ts";

/**
 * The notice for the door: what is recorded here, and how to ask. One page of HTML in both languages
 * that runs nothing and loads nothing, made of these facts alone. No name and no address is in it but
 * what an owner wrote for it.
 */
export const NoticeFactsSchema = Type.Object(
  {
    /** How many cameras record, and how many of them with sound. */
    cameras: Type.Integer({ minimum: 0, maximum: 16 }),
    withSound: Type.Integer({ minimum: 0, maximum: 16 }),
    /** How many of them are switched off at this moment; left out on paper, which stays. */
    switchedOff: Type.Optional(Type.Integer({ minimum: 0, maximum: 16 })),
    /** How long recordings stay: of motion, and of the bell. */
    motionMs: Type.Integer({ minimum: 0 }),
    bellMs: Type.Integer({ minimum: 0 }),
    /** Whom to ask, in the words of the settings; null where they say nothing. */
    contact: Type.Union([Type.String({ maxLength: 200 }), Type.Null()]),
    /** Where this notice is to be read by everybody; null where it is not. */
    url: Type.Union([Type.String({ maxLength: 300 }), Type.Null()]),
  },
  { additionalProperties: false },
);
export type NoticeFacts = Static<typeof NoticeFactsSchema>;

interface NoticeWords {
  readonly language: "en" | "fr";
  readonly title: string;
  readonly recorded: (cameras: number) => string;
  readonly switchedOff: (off: number, cameras: number) => string;
  readonly when: string;
  readonly sound: (facts: NoticeFacts) => string;
  readonly faces: string;
  readonly kept: (motion: string, bell: string) => string;
  readonly sealed: string;
  readonly rights: string;
  readonly contact: string;
  readonly noContact: string;
  readonly how: string;
  readonly here: string;
  readonly span: (count: number, unit: "hour" | "day") => string;
}

const ENGLISH: NoticeWords = {
  language: "en",
  title: "This door is filmed",
  recorded: (cameras) =>
    cameras === 0
      ? "No camera records here at present."
      : cameras === 1
        ? "One camera records here."
        : `${cameras} cameras record here.`,
  switchedOff: (off, cameras) =>
    off >= cameras
      ? "At this moment nothing is recorded: what is here is switched off."
      : `At this moment ${off} of them ${off === 1 ? "is" : "are"} switched off.`,
  when: "Recording begins when the bell is rung or something moves; it does not run all the time.",
  sound: ({ cameras, withSound }) =>
    withSound === 0
      ? "Sound is not recorded."
      : withSound === cameras
        ? "Sound is recorded, too."
        : "Some cameras also record sound.",
  faces:
    "Faces can be seen in a recording. When a part of it is given to somebody, a copy with blurred faces can be given instead. Nobody is recognised by a computer.",
  kept: (motion, bell) =>
    `A recording is deleted by itself after ${motion}; one of the bell after ${bell}. It can go sooner, and it can be kept longer where somebody has asked for it.`,
  sealed:
    "Recordings stay in this house, encrypted. Only this household can open them, and nothing is given to anybody without its signature.",
  rights:
    "If you were here you may ask whether you were recorded, ask for a copy of your own minutes, or ask for them to be deleted. (Regulation (EU) 2016/679, Articles 13, 15 and 17, where it applies.)",
  contact: "Whom to ask:",
  noContact: "Whom to ask: ring the bell.",
  how: "Say on which day and at about what time you were here, to the hour. You are then given a form for one request.",
  here: "This notice can be read at",
  span: (count, unit) => `${count} ${unit}${count === 1 ? "" : "s"}`,
};

const FRENCH: NoticeWords = {
  language: "fr",
  title: "Cette porte est filmée",
  recorded: (cameras) =>
    cameras === 0
      ? "Aucune caméra n’enregistre ici pour l’instant."
      : cameras === 1
        ? "Une caméra enregistre ici."
        : `${cameras} caméras enregistrent ici.`,
  switchedOff: (off, cameras) =>
    off >= cameras
      ? "En ce moment rien n’est enregistré : tout est éteint."
      : `En ce moment, ${off} d’entre elles ${off === 1 ? "est éteinte" : "sont éteintes"}.`,
  when: "L’enregistrement commence quand la sonnette retentit ou que quelque chose bouge ; il n’est pas permanent.",
  sound: ({ cameras, withSound }) =>
    withSound === 0
      ? "Le son n’est pas enregistré."
      : withSound === cameras
        ? "Le son est enregistré aussi."
        : "Certaines caméras enregistrent aussi le son.",
  faces:
    "Les visages sont visibles sur un enregistrement. Quand une partie en est remise à quelqu’un, une copie aux visages floutés peut être remise à la place. Personne n’est reconnu par un ordinateur.",
  kept: (motion, bell) =>
    `Un enregistrement est effacé de lui-même après ${motion}, celui de la sonnette après ${bell}. Il peut l’être plus tôt, ou être conservé plus longtemps si quelqu’un l’a demandé.`,
  sealed:
    "Les enregistrements restent dans cette maison, chiffrés. Seul ce foyer peut les ouvrir, et rien n’est remis à quiconque sans sa signature.",
  rights:
    "Si vous êtes passé ici, vous pouvez demander si vous avez été enregistré, demander une copie de vos propres minutes, ou demander leur effacement. (Règlement (UE) 2016/679, articles 13, 15 et 17, là où il s’applique.)",
  contact: "À qui s’adresser :",
  noContact: "À qui s’adresser : sonnez.",
  how: "Dites quel jour et à peu près à quelle heure vous étiez ici, à l’heure près. Vous recevrez alors un formulaire pour une demande.",
  here: "Cet avis se lit à l’adresse",
  span: (count, unit) => {
    const word = unit === "day" ? "jour" : "heure";
    return `${count} ${word}${count > 1 ? "s" : ""}`;
  },
};

const HOUR_MS = 3_600_000;

function spanText(milliseconds: number, words: NoticeWords): string {
  const hours = Math.max(1, Math.round(milliseconds / HOUR_MS));
  return hours % 24 === 0 ? words.span(hours / 24, "day") : words.span(hours, "hour");
}

const STYLE = `:root{color-scheme:light}
body{margin:0;background:#fff;color:#221d18;font:1.0625rem/1.5 ui-serif,Georgia,serif}
main{max-width:42rem;margin:0 auto;padding:2rem 1.25rem}
h1,h2{font-weight:500;line-height:1.2;margin:0 0 1rem}h1{font-size:2.25rem}h2{font-size:1.75rem}
section{border-top:1px solid #8a7f72;padding-top:1.25rem;margin-top:1.5rem}
p{margin:0 0 .75rem}.small{font-size:.9375rem}strong{font-weight:600}
.top{display:grid;grid-template-columns:1fr auto;gap:1.5rem;align-items:start}
svg{width:8.5rem;height:8.5rem}code{overflow-wrap:anywhere;font-size:.875rem}
@media print{main{padding:0;max-width:none;display:grid;grid-template-columns:1fr 1fr;gap:0 8mm;align-items:start}
.top{grid-column:1/-1}body{font-size:10.5pt;line-height:1.4}h1{font-size:24pt}h2{font-size:16pt}section{margin-top:12pt}}
@page{margin:16mm}`;

/** What a browser must be told to let this page have its own style, and nothing else. */
export const NOTICE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${toBase64(sha256(utf8Bytes(STYLE)))}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The whole page. */
export function noticePage(facts: NoticeFacts): string {
  const qr = facts.url === null ? "" : qrOf(facts.url);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${ENGLISH.title} · ${FRENCH.title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<div class="top">
<h1>${ENGLISH.title}<br><span lang="fr">${FRENCH.title}</span></h1>
${qr}
</div>
${sectionOf(facts, ENGLISH)}
${sectionOf(facts, FRENCH)}
</main>
</body>
</html>
`;
}

function sectionOf(facts: NoticeFacts, words: NoticeWords): string {
  const contact =
    facts.contact === null
      ? words.noContact
      : `${words.contact} <strong>${escaped(facts.contact)}</strong>`;
  const paragraphs = [
    [words.recorded(facts.cameras), ...offText(facts, words), words.when, words.sound(facts)].join(
      " ",
    ),
    words.faces,
    words.kept(spanText(facts.motionMs, words), spanText(facts.bellMs, words)),
    words.sealed,
    words.rights,
    contact,
    words.how,
    ...(facts.url === null ? [] : [`${words.here} <code>${escaped(facts.url)}</code>`]),
  ];
  const lines = paragraphs.map((paragraph) => `<p>${paragraph}</p>`).join("\n");
  return `<section lang="${words.language}">\n<h2>${words.title}</h2>\n${lines}\n</section>`;
}

function offText({ cameras, switchedOff = 0 }: NoticeFacts, words: NoticeWords): string[] {
  return switchedOff === 0 || cameras === 0 ? [] : [words.switchedOff(switchedOff, cameras)];
}

function qrOf(text: string): string {
  const code = encode(text, { ecc: "M", border: 4 });
  const path = code.data
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")))
    .join("");
  const label = escaped(text);
  return `<svg viewBox="0 0 ${code.size} ${code.size}" role="img" aria-label="QR: ${label}" shape-rendering="crispEdges"><rect width="${code.size}" height="${code.size}" fill="#fff"/><path d="${path}" fill="#000"/></svg>`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
