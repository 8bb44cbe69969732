import type { HealthAnswer } from "../protocol/api.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** Calm and plain: what the hub is doing, and how to claim it. No script, no picture, no name. */
export function addStatusPage(server: HubServer, services: HubServices): void {
  server.get("/", { config: { access: "public" } }, async (_request, reply) => {
    const claimed = services.household.keyring !== null;
    await reply.type("text/html; charset=utf-8").send(statusPage(claimed, services.health()));
  });
  server.get("/style.css", { config: { access: "public" } }, async (_request, reply) => {
    await reply.type("text/css; charset=utf-8").send(STYLE);
  });
}

function statusPage(claimed: boolean, health: HealthAnswer): string {
  const streaming = health.cameras.filter(({ main }) => main === "streaming").length;
  const recording = health.cameras.filter(({ recording: isRecording }) => isRecording).length;
  const state = claimed
    ? `<p class="state">${sentence(streaming, health.cameras.length)} ${
        recording > 0 ? "An event is being recorded." : "Nothing is being recorded just now."
      }</p>
      <p>${health.clips} recordings are kept, sealed to the household. This hub cannot open them.</p>
      <p>Look at them from a device of the household:</p>
      <pre>./doorward owner clips --keys DIR</pre>`
    : `<p class="state">This hub belongs to nobody yet. Nothing is recorded and no camera is connected.</p>
      <p>To found the household, take the code from the hub&rsquo;s console and run, best on another computer:</p>
      <pre>./doorward owner claim --hub URL --code CODE --keys DIR</pre>`;
  const warnings = health.warnings.map((warning) => `<li>${escapeHtml(warning)}</li>`).join("");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Doorward</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>Doorward</h1>
<p class="promise">Nothing leaves this house that its owner has not signed for.</p>
${state}
${warnings === "" ? "" : `<h2>Worth knowing</h2><ul>${warnings}</ul>`}
<p class="small">${health.ledgerEntries} ledger entries. <a href="/api/openapi.json">Interface description</a></p>
</main>
</body>
</html>
`;
}

function sentence(streaming: number, total: number): string {
  if (total === 1)
    return streaming === 1 ? "The camera is connected." : "The camera is not connected.";
  return `${streaming} of ${total} cameras are connected.`;
}

function escapeHtml(text: string): string {
  const replacements: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replaceAll(/[&<>"']/g, (character) => replacements[character] ?? "");
}

const STYLE = `:root { color-scheme: light dark; --ink: #2b2621; --paper: #faf6ef; --quiet: #6b6259; --line: #ddd3c4; }
@media (prefers-color-scheme: dark) { :root { --ink: #ece5da; --paper: #1d1a17; --quiet: #a89e92; --line: #3a342e; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.125rem/1.6 ui-serif, Georgia, serif; }
main { max-width: 38rem; margin: 0 auto; padding: 12vh 1.5rem 4rem; }
h1 { font-size: 2.25rem; font-weight: 500; margin: 0; }
h2 { font-size: 1.125rem; margin: 2rem 0 0; }
.promise { color: var(--quiet); margin-top: 0.25rem; font-style: italic; }
.state { font-size: 1.25rem; margin-top: 2.5rem; }
pre { background: color-mix(in srgb, var(--ink) 6%, transparent); padding: 1rem; border-radius: 0.5rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.9rem; }
.small { color: var(--quiet); font-size: 0.95rem; border-top: 1px solid var(--line); padding-top: 1rem; margin-top: 3rem; }
a { color: inherit; }
`;
