import { parseJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import { MalformedInput } from "../protocol/errors.ts";
import { FormSchema, type Form } from "./requests.ts";

const FORM_DATA = /<script type="application\/json" id="doorward-form">([^<]+)<\/script>/;

/** The data element that a form page carries; JSON without `<`, so that it cannot end early. */
export function formDataElement(form: Form): string {
  const json = JSON.stringify(form).replaceAll("<", "\\u003c");
  return `<script type="application/json" id="doorward-form">${json}</script>`;
}

/** @throws MalformedInput when the page is not a form that Doorward made. */
export function readForm(page: string): Form {
  const data = FORM_DATA.exec(page)?.[1];
  if (data === undefined)
    throw new MalformedInput("form", "Cannot read form: this is not a request form of Doorward");
  return checkShape(FormSchema, parseJson(utf8Bytes(data), "form"), "form");
}

/** Whether an address of the hub leads everybody else to his own machine: nobody could fetch there. */
export function isForThisMachineAlone(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname : "";
  return host === "localhost" || host === "[::1]" || /^127\.(?:\d+\.){2}\d+$/.test(host);
}

/** Where the data element goes in a form page that was built for everybody. */
export const FORM_PLACE = "<!--doorward-form-->";

/**
 * The form page for one requester: a template with the data that only this form has.
 *
 * @param template - As the build makes it, with {@link FORM_PLACE} in it once.
 */
export function fillFormTemplate(template: string, form: Form): string {
  const [before, after, ...more] = template.split(FORM_PLACE);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error("a form template with no place, or several, for what makes it this form");
  return `${before}${formDataElement(form)}${after}`;
}
