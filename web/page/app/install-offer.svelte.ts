/** The browser's own offer to install this page (Chromium; others have none). */
interface InstallOffer extends Event {
  prompt(): Promise<unknown>;
}

let offer = $state.raw<InstallOffer | null>(null);

export const installing = {
  get isOffered(): boolean {
    return offer !== null;
  },
  /** Call it from a tap: the browser asks, once for each offer. */
  async ask(): Promise<void> {
    const asked = offer;
    offer = null;
    await asked?.prompt();
  },
};

// It comes early, and only once: kept until somebody wants it.
globalThis.addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  offer = event as InstallOffer;
});
globalThis.addEventListener("appinstalled", () => (offer = null));
