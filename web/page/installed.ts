/** Whether this page runs as an app of its own, from the home screen or the desktop. */
export function isInstalled(): boolean {
  // Safari on iPhone and iPad says it by a name of its own.
  const { standalone } = navigator as { readonly standalone?: boolean };
  return standalone === true || matchMedia("(display-mode: standalone)").matches;
}
