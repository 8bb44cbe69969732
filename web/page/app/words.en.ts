/** What is said of the page as an app. */
export const english = {
  newer: "A newer version of this page is there.",
  take: "Load it",
  install: "Doorward can stand on this device like an app: it opens at once, and offline too.",
  installNow: "Install",
  notNow: "Not now",
  ios: "To put it on the home screen: tap Share, then “Add to Home Screen”.",
  title: "As an app",
  installed: "This is the installed app.",
  noOffer:
    "Where your browser can install pages as apps, its menu has an entry for it: “Install” or “Add to home screen”.",
};
