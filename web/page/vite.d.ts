/// <reference types="vite/client" />
/// <reference types="svelte" />

/** Built by web/form-template.ts: the request form's page, without its data. */
declare module "virtual:form-template" {
  const template: string;
  export default template;
}

/** Built by web/viewer-build.ts: SHA-256 of the viewer, 64 hex digits. */
declare module "virtual:viewer-sha256" {
  const sha256: string;
  export default sha256;
}
