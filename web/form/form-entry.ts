import { HubError } from "../../src/protocol/errors.ts";
import { REQUEST_KINDS } from "../../src/protocol/request.ts";
import { readForm } from "../../src/owner/form.ts";
import { generateReader } from "../../src/owner/identity.ts";
import { fillForm, type Form } from "../../src/owner/requests.ts";

/** The script of the request form: runs in the requester's browser, from a file, without a server. */

const form = readForm(document.documentElement.outerHTML);
const element = <Kind extends HTMLElement>(id: string): Kind => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page lacks #${id}`);
  return found as Kind;
};
const fields = element<HTMLFormElement>("form");
const message = element("message");

function start(): void {
  element("expiry").textContent = ` and until ${new Date(form.expiresAtMs).toLocaleString()}`;
  const kinds = fields.elements.namedItem("kind") as HTMLSelectElement;
  for (const kind of REQUEST_KINDS) {
    const words = kind.replaceAll("_", " ");
    kinds.append(new Option(words[0]?.toUpperCase() + words.slice(1), kind));
  }
  const send = element<HTMLButtonElement>("send");
  send.hidden = form.intakeUrl === null;
  send.addEventListener("click", () => void finish(post));
  fields.addEventListener("submit", (event) => {
    event.preventDefault();
    void finish(async (sealed) => {
      save("request.doorward", sealed);
      return "Send the saved file back to the owner by any mail.";
    });
  });
  element("make-key").addEventListener("click", () => void makeKey());
}

function text(name: string): string {
  const field = fields.elements.namedItem(name) as HTMLInputElement | HTMLTextAreaElement;
  return field.value.trim();
}

function isChecked(name: string): boolean {
  return (fields.elements.namedItem(name) as HTMLInputElement).checked;
}

/** The browser's own time zone, written with its offset as UTC. */
function time(name: string): string {
  const value = text(name);
  return value === "" ? "" : new Date(value).toISOString();
}

function documentFromFields(): unknown {
  const optional = (name: string, value: string): object => (value === "" ? {} : { [name]: value });
  return {
    kind: text("kind"),
    urgency: text("urgency"),
    requester: {
      name: text("name"),
      contact: text("contact"),
      ...optional("agency", text("agency")),
      ...optional("unit", text("unit")),
    },
    legalBasis: {
      basis: text("basis"),
      ...optional("citation", text("citation")),
      ...optional("reference", text("reference")),
    },
    ...optional("case", text("case")),
    narrative: text("narrative"),
    purpose: text("purpose"),
    sought: {
      cameras: "unspecified",
      from: time("from"),
      to: time("to"),
      tracks: isChecked("audio") ? ["video", "audio"] : ["video"],
      clearFaces: isChecked("clearFaces"),
    },
    ...optional("recipient", text("recipient")),
    ...optional("deadline", time("deadline")),
  };
}

async function finish(deliver: (sealed: string) => Promise<string>): Promise<void> {
  if (!fields.reportValidity()) return;
  message.textContent = "";
  try {
    const sealed = JSON.stringify(await fillForm(form, documentFromFields()));
    element("done-text").textContent = await deliver(sealed);
    element("status-url").textContent = form.statusUrl;
    fields.hidden = true;
    element("done").hidden = false;
  } catch (error) {
    if (!(error instanceof HubError) && !(error instanceof TypeError)) throw error;
    message.textContent = `${error.message}. Nothing was sent.`;
  }
}

async function post(sealed: string): Promise<string> {
  const url = (form as Form).intakeUrl;
  if (url === null) throw new TypeError("This form has no address to send to");
  // As text, so that no preflight is needed: the page was opened from a file and has no origin.
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: sealed,
    credentials: "omit",
    referrerPolicy: "no-referrer",
  });
  if (response.ok) return "The request was sent.";
  const answer = (await response.json()) as { message?: string };
  throw new TypeError(answer.message ?? `The owner's hub answered ${response.status}`);
}

async function makeKey(): Promise<void> {
  const key = await generateReader("pq");
  save("doorward-key.txt", `# recipient: ${key.recipient}\n${key.identity}\n`);
  (fields.elements.namedItem("recipient") as HTMLTextAreaElement).value = key.recipient;
  message.textContent = "Your key was saved. Without that file nobody can open what is released.";
}

function save(name: string, content: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

start();
