import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import type { Plugin } from "vite";
import { FORM_PLACE } from "../src/owner/form.ts";

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
<title>Request for recordings</title>
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

const FORM_BODY = `<h1>Request for recordings</h1>
<p>A household sent you this form. What you write is sealed to its owners in this browser: nobody on
the way can read it, and nothing is sent before you say so. They decide; they owe nobody an answer,
and an emergency does not change who decides. The form can be used once<span id="expiry"></span>.</p>
<form id="form" autocomplete="off">
<fieldset><legend>Who asks</legend>
<label>Name <input name="name" required maxlength="200"></label>
<label>Agency or company <input name="agency" maxlength="200"></label>
<label>Unit <input name="unit" maxlength="200"></label>
<label>How to reach you <input name="contact" required maxlength="200"></label>
</fieldset>
<fieldset><legend>What for</legend>
<label>Kind of request <select name="kind"></select></label>
<label>Urgency <select name="urgency"><option value="normal">Normal</option><option value="emergency">Emergency</option></select></label>
<label>Legal basis <input name="basis" required maxlength="200" placeholder="none, or the law and section"></label>
<label>Citation <input name="citation" maxlength="200"></label>
<label>Document reference <input name="reference" maxlength="200"></label>
<label>Case number <input name="case" maxlength="200"></label>
<label>Purpose <input name="purpose" required maxlength="1000"></label>
<label>What happened <textarea name="narrative" rows="5" maxlength="8000"></textarea></label>
</fieldset>
<fieldset><legend>Which recordings</legend>
<label>From <input name="from" type="datetime-local" required></label>
<label>To <input name="to" type="datetime-local" required></label>
<label class="check"><input name="audio" type="checkbox"> with sound</label>
<label class="check"><input name="clearFaces" type="checkbox"> with clear faces</label>
<label>Answer by (optional) <input name="deadline" type="datetime-local"></label>
</fieldset>
<fieldset><legend>Your key</legend>
<p>Recordings are released to one key only. Paste your age recipient, or make a key here and keep it.</p>
<label>age recipient <textarea name="recipient" rows="3" maxlength="2048"></textarea></label>
<button type="button" id="make-key">Make a key and save it</button>
</fieldset>
<p id="message" role="status"></p>
<button type="submit">Seal and save the request</button>
<button type="button" id="send" hidden>Seal and send the request</button>
</form>
<section id="done" hidden>
<h2>Sealed</h2>
<p id="done-text"></p>
<p>If the owners approve, the recording will be at this address. Until then there is nothing there,
whatever the reason.</p>
<p><code id="status-url"></code></p>
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
button[type=button]{background:transparent;color:var(--accent)}button[hidden]{display:none}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}code{overflow-wrap:anywhere}#message:empty{display:none}`;
