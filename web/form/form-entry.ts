import { HubError } from "../../src/protocol/errors.ts";
import { REQUEST_KINDS } from "../../src/protocol/request.ts";
import { isForThisMachineAlone, readForm } from "../../src/owner/form.ts";
import { generateReader } from "../../src/owner/identity.ts";
import { sealAttachment } from "../../src/owner/request-attachment.ts";
import { requestFile } from "../../src/owner/request-file.ts";
import { fillForm, type Form, type SealedAttachment } from "../../src/owner/requests.ts";
import { ENGLISH, FRENCH, type FormWords } from "./form-words.ts";

/** The script of the request form: runs in the requester's browser, from a file, without a server. */

const form = readForm(document.documentElement.outerHTML);
const element = <Kind extends HTMLElement>(id: string): Kind => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page lacks #${id}`);
  return found as Kind;
};
const fields = element<HTMLFormElement>("form");
const message = element("message");
const words: FormWords = /^fr\b/i.test(navigator.language) ? FRENCH : ENGLISH;
/** What was sealed and sent, and whose document was not: the next try sends that alone. */
let unsent: SealedAttachment | null = null;

function speak(): void {
  if (words === ENGLISH) return;
  document.documentElement.lang = "fr";
  document.title = words.texts.title;
  const texts: Readonly<Record<string, string>> = words.texts;
  for (const each of document.querySelectorAll<HTMLElement>("[data-text]"))
    each.textContent = texts[each.dataset["text"] ?? ""] ?? each.textContent;
  for (const each of document.querySelectorAll<HTMLInputElement>("[data-placeholder]"))
    each.placeholder = texts[each.dataset["placeholder"] ?? ""] ?? each.placeholder;
}

/** The short form of somebody who asks for his own minutes: the rest is what it says by itself. */
function shorten(): void {
  for (const each of document.querySelectorAll<HTMLElement>("[data-whole]")) each.hidden = true;
  for (const each of document.querySelectorAll<HTMLElement>("[data-visitor]")) each.hidden = false;
  const preset = { kind: "data_subject", basis: "none", purpose: words.ownMinutes };
  for (const [name, value] of Object.entries(preset))
    (fields.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement).value = value;
}

function start(): void {
  speak();
  element("expiry").textContent = words.until(new Date(form.expiresAtMs).toLocaleString());
  const kinds = fields.elements.namedItem("kind") as HTMLSelectElement;
  for (const kind of REQUEST_KINDS) kinds.append(new Option(words.kinds[kind], kind));
  if (form.shape === "visitor") shorten();
  fields.addEventListener("input", checkTimes);
  const send = element<HTMLButtonElement>("send");
  send.hidden = form.intakeUrl === null;
  send.addEventListener("click", () => void finish(post));
  fields.addEventListener("submit", (event) => {
    event.preventDefault();
    void finish(async (sealed) => {
      save("request.doorward", sealed.file);
      return words.saved;
    });
  });
  element("make-key").addEventListener("click", () => void makeKey());
}

function checkTimes(): void {
  const to = fields.elements.namedItem("to") as HTMLInputElement;
  const isReversed = to.value !== "" && to.value <= text("from");
  to.setCustomValidity(isReversed ? words.texts.timesReversed : "");
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

interface Sealed {
  readonly request: string;
  readonly attached: SealedAttachment | null;
  /** Both in one. */
  readonly file: string;
}

async function seal(): Promise<Sealed> {
  const chosen = (fields.elements.namedItem("document") as HTMLInputElement).files?.[0];
  const attached = chosen
    ? await sealAttachment(chosen.name, new Uint8Array(await chosen.arrayBuffer()), form.owners)
    : null;
  const request = await fillForm(form, documentFromFields(), attached);
  return { request: JSON.stringify(request), attached, file: requestFile(request, attached) };
}

async function finish(deliver: (sealed: Sealed) => Promise<string>): Promise<void> {
  if (!fields.reportValidity()) return;
  message.textContent = "";
  try {
    element("done-text").textContent = unsent
      ? await postDocument(unsent)
      : await deliver(await seal());
    const isHandedOver = isForThisMachineAlone(form.statusUrl);
    element("handed-over").hidden = !isHandedOver;
    element("fetched").hidden = isHandedOver;
    element("status-url").textContent = form.statusUrl;
    fields.hidden = true;
    element("done").hidden = false;
  } catch (error) {
    if (!(error instanceof HubError) && !(error instanceof TypeError)) throw error;
    message.textContent = unsent ? words.documentNotSent : `${error.message}. ${words.nothingSent}`;
  }
}

async function post({ request, attached }: Sealed): Promise<string> {
  await postTo("", request);
  if (!attached) return words.sent;
  unsent = attached;
  return postDocument(attached);
}

/** Its address is its hash, which the request has announced. */
async function postDocument(attached: SealedAttachment): Promise<string> {
  await postTo(`/documents/${attached.announced.sha256}`, new Uint8Array(attached.sealed));
  unsent = null;
  return words.sent;
}

async function postTo(path: string, body: string | Uint8Array<ArrayBuffer>): Promise<void> {
  const url = (form as Form).intakeUrl;
  if (url === null) throw new TypeError("This form has no address to send to");
  // As text, so that no preflight is needed: the page was opened from a file and has no origin.
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body,
    credentials: "omit",
    referrerPolicy: "no-referrer",
  });
  if (response.ok) return;
  const answer = (await response.json()) as { message?: string };
  throw new TypeError(answer.message ?? words.answered(response.status));
}

async function makeKey(): Promise<void> {
  const key = await generateReader("pq");
  save("doorward-key.txt", `# recipient: ${key.recipient}\n${key.identity}\n`);
  (fields.elements.namedItem("recipient") as HTMLTextAreaElement).value = key.recipient;
  message.textContent = words.keySaved;
}

function save(name: string, content: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

start();
