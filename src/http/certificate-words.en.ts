import type { DrawnScreen } from "./certificate-pictures.ts";
import type { Platform } from "./certificate-reader.ts";

/** One thing to do. */
export interface Step {
  readonly text: string;
  readonly screen?: DrawnScreen;
}

export interface PlatformSteps {
  readonly name: string;
  /** Which of the files is fetched. */
  readonly file: "crt" | "mobileconfig";
  readonly steps: readonly Step[];
  /** What is different with some of them. */
  readonly hint?: string;
  /** Where the system itself shows the certificate's fingerprint. */
  readonly shownAt: string;
}

/** `name`: the name of the house, as `doorward.local`; `authority`: as systems list the certificate. */
export interface Named {
  readonly name: string;
  readonly authority: string;
}

const question = {
  title: "Do you want to look in from away?",
  lead: "Your devices will know this hub by one name, and their keys belong to that name. So this question comes first.",
  homeTitle: "At home is enough",
  homeText:
    "The hub is called doorward.local. There is nothing to set up anywhere. Away from home, notifications can still reach you.",
  homeButton: "Use doorward.local",
  awayTitle: "From away as well",
  awayText:
    "Then the name must lead to this hub from away too, through a private tunnel (VPN) of yours: a name below a domain that you own, or this machine’s name in Tailscale.",
  field: "Name of the hub",
  example: "door.example.org",
  awayButton: "Use this name",
  howTitle: "What has to be set, and where",
  how: [
    "Your router: give this hub the same address each time, and set up the VPN (many routers have WireGuard built in).",
    "Your domain, where it is kept: an A record from the name to this hub’s address at home. Some routers refuse names that lead home (“DNS rebind protection”): add the name to their exceptions.",
    "With Tailscale instead: install it on the hub and on each phone; the name is the one that it shows for the hub, ending in .ts.net.",
    "Do you have a certificate for the name, or a reverse proxy? Say so in doorward.yaml under listen, and start the hub again; nothing then has to be installed on the phones.",
  ],
  malformed:
    "A hub cannot go by that name. It has at least two parts with a dot between, as door.example.org; no address of numbers, no port.",
  taken:
    "Another machine here goes by that name already. Choose another; door.local would do for home only.",
  failed: "The hub could not take that name. Its console says why.",
};

export const english = {
  language: "en",
  other: { code: "fr", label: "Français" },
  title: "Doorward",
  question,
  trust: {
    title: "Let this device know your hub",
    lead: ({ name }: Named): string =>
      `So that nobody can listen in, your device must trust the hub’s certificate, once. It is good for ${name} alone: it can vouch for no other site.`,
    former: (names: string): string =>
      `This hub showed another certificate before, for ${names}. It counts no more: if this device trusts it already, take it off, and trust the one below.`,
    wordsTitle: "First compare eight words",
    words:
      "They must be the same as on the hub’s console, in this order. It shows quickly that this is the right hub; what is certain is the fingerprint, below.",
    unsure:
      "This page came without encryption, so whoever controls your network could have changed it, with these words. To be certain, compare the fingerprint that your own device shows for the certificate with the one on the hub’s console.",
    fingerprint: "The whole fingerprint (SHA-256)",
    stepsTitle: "Then trust the certificate",
    download: "Fetch the certificate",
    downloadProfile: "Fetch the profile",
    where: "Where this device shows the fingerprint:",
    checkTitle: "See whether it works",
    check: "It works if the hub opens without a warning.",
    open: "Open the hub",
    onward: "Next, the hub asks for the code on its console, and makes your keys on this device.",
    onwardIphone:
      "On an iPhone, first put it on the home screen: tap Share, then “Add to Home Screen”. Open it from there, and go on only there: what an app keeps is apart from what Safari keeps.",
    iphoneScreen: {
      frame: "phone",
      title: "Safari",
      rows: [
        { text: "Add Bookmark" },
        { text: "Add to Home Screen", isMarked: true },
        { text: "Find on Page" },
      ],
    } as DrawnScreen,
    onwardClaimed: "Somebody of the household then lets this device in from theirs.",
    remove:
      "You can take the certificate off again at the same place in your device’s settings. It then warns before it opens the hub.",
  },
  own: {
    title: "This hub is known already",
    text: "It uses a certificate that your devices trust as they are. There is nothing to install.",
  },
  notReady:
    "The hub does not answer under this name yet. Its console says why; load this page again in a moment.",
  platforms: {
    iphone: ({ authority }: Named): PlatformSteps => ({
      name: "iPhone and iPad",
      file: "mobileconfig",
      steps: [
        {
          text: "Be in Safari. Fetch the profile, and allow it. Then close the message.",
          screen: {
            frame: "phone",
            title: "Safari",
            rows: [
              { text: "Allow", end: "button", isMarked: true },
              { text: "Ignore", end: "button" },
            ],
          },
        },
        {
          text: "Open Settings and tap “Profile Downloaded” at the top. Install it. It says “Not Signed”: only a company known to Apple could sign it.",
          screen: {
            frame: "phone",
            title: "Settings",
            rows: [
              { text: "Profile Downloaded", end: "on", isMarked: true },
              { text: "Airplane Mode" },
              { text: "Wi-Fi", end: "on" },
            ],
          },
        },
        {
          text: `In Settings: General, About, and at the very bottom Certificate Trust Settings. Switch on “${authority}”.`,
          screen: {
            frame: "phone",
            title: "Certificate Trust Settings",
            rows: [{ text: authority, end: "switch", isMarked: true }],
          },
        },
      ],
      hint: "Is “Profile Downloaded” not there? Look under General, VPN & Device Management.",
      shownAt:
        "Settings, General, VPN & Device Management, the profile, More Details, the certificate; at the bottom.",
    }),
    android: ({ authority }: Named): PlatformSteps => ({
      name: "Android",
      file: "crt",
      steps: [
        {
          text: "Fetch the certificate. If the browser hesitates, choose Keep. If a message says that it must be installed in Settings, close it.",
          screen: {
            frame: "phone",
            title: "Chrome",
            rows: [{ text: "doorward.crt" }, { text: "Keep", end: "button", isMarked: true }],
          },
        },
        {
          text: "Open Settings and search for “CA certificate”. (It is under Security & privacy, More security & privacy, Encryption & credentials, Install a certificate.)",
          screen: {
            frame: "phone",
            title: "Install a certificate",
            rows: [
              { text: "CA certificate", end: "on", isMarked: true },
              { text: "VPN & app user certificate", end: "on" },
              { text: "Wi-Fi certificate", end: "on" },
            ],
          },
        },
        {
          text: "Choose “Install anyway”, and doorward.crt among the downloads. The warning is meant for certificates that are good for every site; this one is not.",
          screen: {
            frame: "phone",
            title: "CA certificate",
            rows: [
              { text: "Don’t install", end: "button" },
              { text: "Install anyway", end: "button", isMarked: true },
            ],
          },
        },
      ],
      hint: "Android may say from time to time that the network may be monitored: it says so of every certificate that was added. Firefox for Android has a setting of its own: tap its logo five times under About Firefox, then Secret Settings, Use third party CA certificates.",
      shownAt: `Settings, Security & privacy, …, User credentials or Trusted credentials, User, ${authority}.`,
    }),
    windows: ({ authority }: Named): PlatformSteps => ({
      name: "Windows",
      file: "crt",
      steps: [
        {
          text: "Fetch the certificate, open it, and choose Install Certificate.",
          screen: {
            frame: "window",
            title: "Certificate",
            rows: [
              { text: authority },
              { text: "Install Certificate…", end: "button", isMarked: true },
            ],
          },
        },
        {
          text: "Choose Current User. Then: Place all certificates in the following store, Browse, Trusted Root Certification Authorities. Next, Finish, Yes.",
          screen: {
            frame: "window",
            title: "Select Certificate Store",
            rows: [
              { text: "Personal" },
              { text: "Trusted Root Certification Authorities", isMarked: true },
              { text: "Enterprise Trust" },
            ],
          },
        },
      ],
      shownAt:
        "the opened certificate, Details. Windows shows SHA-1 as “Thumbprint”; run certutil -dump doorward.crt for SHA-256.",
    }),
    mac: ({ authority }: Named): PlatformSteps => ({
      name: "Mac",
      file: "crt",
      steps: [
        {
          text: "Fetch the certificate and open it: Keychain Access takes it in.",
          screen: {
            frame: "window",
            title: "Keychain Access",
            rows: [{ text: authority, end: "on", isMarked: true }],
          },
        },
        {
          text: "Open it there by double-clicking, unfold Trust, and choose Always Trust. Close the window and give your password.",
          screen: {
            frame: "window",
            title: authority,
            rows: [
              { text: "Trust" },
              { text: "When using: Always Trust", end: "on", isMarked: true },
            ],
          },
        },
      ],
      hint: "Firefox for Mac takes what the system trusts, unless that was switched off in its settings.",
      shownAt: "Keychain Access, the opened certificate, Details; at the bottom.",
    }),
    linux: ({ authority }: Named): PlatformSteps => ({
      name: "Linux, and Firefox",
      file: "crt",
      steps: [
        {
          text: "Fetch the certificate. Firefox: Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import.",
          screen: {
            frame: "window",
            title: "Authorities",
            rows: [{ text: "Import…", end: "button", isMarked: true }],
          },
        },
        {
          text: "Tick that it may identify websites.",
          screen: {
            frame: "window",
            title: authority,
            rows: [
              { text: "Trust to identify websites", end: "tick", isMarked: true },
              { text: "Trust to identify email users" },
            ],
          },
        },
        {
          text: "Chrome and Chromium: Settings, Privacy and security, Security, Manage certificates, Local certificates, Installed by you, Trusted certificates, Import.",
        },
      ],
      shownAt: "the same list, the opened certificate.",
    }),
  } satisfies Record<Platform, (named: Named) => PlatformSteps>,
};

export type CertificateWords = typeof english;
