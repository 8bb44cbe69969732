import { buildFormTemplate } from "../../web/form-template.ts";
import { fillFormTemplate } from "../owner/form.ts";
import type { Form } from "../owner/requests.ts";

/**
 * The request form for one requester. Bundled when it is made, so that it always speaks the format
 * of the version that will read it.
 */
export async function buildFormPage(form: Form): Promise<string> {
  return fillFormTemplate(await buildFormTemplate(), form);
}
