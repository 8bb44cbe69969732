declare module "virtual:build-files" {
  /** What the build wrote and this worker may keep: path from the root, SHA-256 in hex. */
  const files: readonly (readonly [path: string, sha256: string])[];
  export default files;
}
