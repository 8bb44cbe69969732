import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import type { Plugin } from "vite";
import { FORM_PLACE } from "../src/owner/form.ts";
import { ENGLISH_TEXTS } from "./form/form-words.ts";

const ENTRY = fileURLToPath(new URL("./form/form-entry.ts", import.meta.url));

/**
 * The request form as one HTML file, without what makes it one requester's: it seals what is typed
 * in to the owners, in the requester's browser, and loads nothing from anywhere. Built with the
 * page, or when the command line makes a form: both write the same bytes.
 */
export async function buildFormTemplate(): Promise<string> {
  const script = await bundleScript();
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${ENGLISH_TEXTS.title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${FORM_BODY}
</main>
${FORM_PLACE}
<script type="module">${script}</script>
</body>
</html>
`;
}

const MODULE = "virtual:form-template";

/** Lets the page's vault import the template as a text. */
export function formTemplate(): Plugin {
  return {
    name: "form-template",
    resolveId: (id) => (id === MODULE ? `\0${MODULE}` : null),
    load: async (id) =>
      id === `\0${MODULE}` ? `export default ${JSON.stringify(await buildFormTemplate())};` : null,
  };
}

async function bundleScript(): Promise<string> {
  await using build = await rolldown({ input: ENTRY, platform: "browser", logLevel: "silent" });
  const { output } = await build.generate({ format: "esm", minify: true });
  const code = output[0].code;
  if (code.includes(FORM_PLACE)) throw new Error("the form's script holds the place of its data");
  // "</script" inside the code would end the element early.
  return code.replaceAll("</script", "<\\/script");
}

/** Replaced by the script where the browser speaks another language. */
function text(name: keyof typeof ENGLISH_TEXTS): string {
  return `<span data-text="${name}">${ENGLISH_TEXTS[name]}</span>`;
}

/** What a visitor who asks for his own minutes is not asked for is marked with `data-whole`. */
const FORM_BODY = `<h1>${text("title")}</h1>
<p data-whole>${text("intro")}<span id="expiry"></span>.</p>
<p data-visitor hidden>${text("visitorIntro")}</p>
<form id="form" autocomplete="off">
<fieldset><legend>${text("who")}</legend>
<label>${text("name")} <input name="name" required maxlength="200"></label>
<label data-whole>${text("agency")} <input name="agency" maxlength="200"></label>
<label data-whole>${text("unit")} <input name="unit" maxlength="200"></label>
<label>${text("contact")} <input name="contact" required maxlength="200"></label>
</fieldset>
<fieldset data-whole><legend>${text("why")}</legend>
<label>${text("kind")} <select name="kind"></select></label>
<label>${text("urgency")} <select name="urgency"><option value="normal" data-text="normal">${ENGLISH_TEXTS.normal}</option><option value="emergency" data-text="emergency">${ENGLISH_TEXTS.emergency}</option></select></label>
<label>${text("basis")} <input name="basis" required maxlength="200" placeholder="${ENGLISH_TEXTS.basisHint}" data-placeholder="basisHint"></label>
<label>${text("citation")} <input name="citation" maxlength="200"></label>
<label>${text("reference")} <input name="reference" maxlength="200"></label>
<label>${text("case")} <input name="case" maxlength="200"></label>
<label>${text("purpose")} <input name="purpose" required maxlength="1000"></label>
<label>${text("document")} <input name="document" type="file" accept=".pdf,.jpg,.jpeg,.png,.txt"></label>
</fieldset>
<fieldset><legend>${text("which")}</legend>
<label>${text("from")} <input name="from" type="datetime-local" required></label>
<label>${text("to")} <input name="to" type="datetime-local" required></label>
<label><span data-whole>${text("narrative")}</span><span data-visitor hidden>${text("visitorNarrative")}</span> <textarea name="narrative" rows="5" maxlength="8000"></textarea></label>
<label class="check" data-whole><input name="audio" type="checkbox"> ${text("audio")}</label>
<label class="check" data-whole><input name="clearFaces" type="checkbox"> ${text("clearFaces")}</label>
<label data-whole>${text("deadline")} <input name="deadline" type="datetime-local"></label>
</fieldset>
<fieldset><legend>${text("key")}</legend>
<p>${text("keyText")}</p>
<label>${text("recipient")} <textarea name="recipient" rows="3" maxlength="2048"></textarea></label>
<button type="button" id="make-key">${text("makeKey")}</button>
</fieldset>
<p id="message" role="status"></p>
<button type="submit">${text("save")}</button>
<button type="button" id="send" hidden>${text("send")}</button>
</form>
<section id="done" hidden>
<h2>${text("sealed")}</h2>
<p id="done-text"></p>
<p id="handed-over" hidden>${text("handedOver")}</p>
<div id="fetched"><p>${text("address")}</p>
<p><code id="status-url"></code></p></div>
</section>`;

const STYLE = `:root{color-scheme:light dark;--ink:#2b2621;--paper:#faf6ef;--line:#cbbfae;--accent:#7a4b1e}
@media(prefers-color-scheme:dark){:root{--ink:#ece5da;--paper:#1d1a17;--line:#4a4239;--accent:#d8a46a}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.55 ui-serif,Georgia,serif}
main{max-width:40rem;margin:0 auto;padding:2.5rem 1.25rem 5rem}h1{font-weight:500}
fieldset{border:1px solid var(--line);border-radius:.6rem;margin:1.5rem 0;padding:.75rem 1rem 1.25rem}legend{padding:0 .4rem;color:var(--accent)}
label{display:block;margin-top:.9rem}label.check{display:flex;gap:.6rem;align-items:center;min-height:3rem;margin-top:.3rem}
input:not([type=checkbox]),select,textarea{display:block;width:100%;margin-top:.25rem;padding:.7rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:.4rem;min-height:3rem}
input[type=checkbox]{width:1.5rem;height:1.5rem}option{color:#2b2621}
button{font:inherit;min-height:3rem;padding:0 1.25rem;margin:.75rem .75rem 0 0;border-radius:.5rem;border:1px solid var(--accent);background:var(--accent);color:var(--paper);cursor:pointer}
button[type=button]{background:transparent;color:var(--accent)}[hidden]{display:none!important}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}code{overflow-wrap:anywhere}#message:empty{display:none}`;
