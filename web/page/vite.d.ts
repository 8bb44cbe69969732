/// <reference types="vite/client" />
/// <reference types="svelte" />

/** Built by web/form-template.ts: the request form's page, without its data. */
declare module "virtual:form-template" {
  const template: string;
  export default template;
}
