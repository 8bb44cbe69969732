/** Words of links for people without a key. */
export const english = {
  withoutKey: "They have no key",
  withKey: "They have a key",
  keyText:
    "This device makes a key for them and puts it into a link. Whoever has the link can open what you approve, so send it to one person and by a way you trust. The link is made after you have approved.",
  title: "A link for somebody without a key",
  text: "The link is shown once and kept nowhere, not even here. What was seen can be filmed or saved, and cannot be recalled.",
  meantFor: "Who it is for",
  meantForText: "Shown over the picture. The hub cannot read it.",
  days: "It works for",
  dayCount: (count: number) => (count === 1 ? "1 day" : `${count} days`),
  views: "It can be opened",
  viewCount: (count: number) => (count === 1 ? "once" : `${count} times`),
  base: "Address of this hub from outside",
  baseText:
    "The outside listener is off: a link opens nothing until it is on. Write down the address at which it will be reached. Otherwise make a key for them and hand the file over on a stick or by mail.",
  make: "Make the link",
  working: "Making the link",
  link: "The link",
  copy: "Copy the link",
  copied: "Copied",
  qr: "The link as a QR code",
  once: "Copy it now. When you leave this page it is gone.",
  list: "Links",
  opened: (views: number, most: number) =>
    most === 1 ? `Opened ${views} of 1 time` : `Opened ${views} of ${most} times`,
  until: (when: string) => `until ${when}`,
  open: "works",
  ended: "ended",
  takeBack: "To end a link, take the approval back.",
};
