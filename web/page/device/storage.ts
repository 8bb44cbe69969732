/**
 * Asks the browser not to clear this page's storage by itself, where the sealed keys lie.
 *
 * @returns whether it promised that; false where it cannot.
 */
export async function askToKeepStorage(): Promise<boolean> {
  try {
    return await navigator.storage.persist();
  } catch {
    return false;
  }
}

/** Whether the browser has promised to keep this page's storage until a person clears it. */
export async function isStorageKept(): Promise<boolean> {
  try {
    return await navigator.storage.persisted();
  } catch {
    return false;
  }
}
