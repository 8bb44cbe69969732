/** No age identity is longer, with all the comments that may stand around it. */
export const KEY_FILE_MAX_BYTES = 65_536;

/** Whether what was dropped on an open bundle is its key, and not another bundle. */
export function isKeyFile(files: readonly File[]): boolean {
  const [file, ...others] = files;
  if (!file || others.length > 0) return false;
  return file.size <= KEY_FILE_MAX_BYTES && !/\.(?:zip|json|age)$/i.test(file.name);
}
