/** What is said on a device whose keys are sealed, or that the hub does not let in. */
export const english = {
  locked: "This device is locked",
  lockedBrowser:
    "The hub does not let this device in. It may have been removed from the household.",
  shownOut:
    "This session is over: it was ended here, or by an owner. The keys are still on this device.",
  goOn: "Log in again",
  forget: "Remove the keys from this device",
  forgetText:
    "This device can then open nothing any more. Another device of the household can let it in again.",
};
