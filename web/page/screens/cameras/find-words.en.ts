export const english = {
  open: "Find a camera",
  title: "Find a camera",
  intro:
    "Most cameras speak ONVIF, a common language of cameras, and can be found in your network. Where one is found, the hub asks it what it sends and fills everything in.",
  search: "Search this network",
  searchAgain: "Search again",
  searching: "Searching for four seconds …",
  found: (number: number) =>
    number === 1 ? "One camera answered:" : `${number} cameras answered:`,
  none: "No camera answered. Switch ONVIF on in the camera’s own app or page (it is often under “Network” or “Integration”, with a user of its own), and look whether camera and hub are in the same network. Or type its address below.",
  refused: (number: number) =>
    number === 1
      ? "One answer was left out: it named another device than the one it came from."
      : `${number} answers were left out: they named other devices than the ones they came from.`,
  unnamed: "A camera",
  alreadyHere: "is set up already",
  address: "Or its address",
  addressHint: "As 192.0.2.10, or a whole address with http:// or rtsp:// in front.",
  use: "Go on",
  loginTitle: (host: string) => `Log in to ${host}`,
  loginHint:
    "The user name and password of the camera itself, as set in its app. They go to this address only, never in the clear.",
  username: "User name",
  password: "Password",
  ask: "Ask the camera",
  asking: "Asking the camera what it sends; this takes a few seconds …",
  stop: "Stop",
  back: "Back",
  byHand: "Enter everything by hand",
  stillAlt: "What the camera sees now",
  noStill: "The camera gives no still picture. That changes nothing else.",
  name: "Name",
  nameHint: "As people say it: Front door, Garage.",
  main: "Recorded",
  sub: "Looked at for motion",
  noSub: "None: the recorded one is looked at, which costs the hub more work",
  perSecond: (pictures: string) => `${pictures} a second`,
  mainWhy: {
    "largest-h264": "The largest picture in H.264, a form that every browser plays.",
    "h264-before-larger-h265":
      "H.264, a form that every browser plays. There is a larger one in H.265, which fewer can.",
    "h265-much-larger":
      "H.265, since the picture in H.264 is less than half its size. Some browsers cannot play H.265.",
    "h265-only":
      "H.265, since there is nothing else. Some browsers cannot play it; in the camera’s settings you can choose H.264.",
    "as-typed": "The address as you typed it.",
    none: "",
  },
  subWhy: {
    "nearest-640x360":
      "The small H.264 picture nearest to 640 × 360: enough to see motion, easy on the hub.",
    "no-small-h264":
      "There are smaller pictures, but not in H.264 or not small enough. Set the camera’s second stream to H.264 and 640 × 360.",
    none: "The camera has one stream only.",
  },
  otherHost: (hosts: string) =>
    `The camera says that its pictures are at ${hosts}. Nothing is sent there: the hub keeps the address that you gave and takes only the rest. That is right where a router lies between; otherwise look into the camera’s network settings.`,
  clock: (size: string, isAhead: boolean) =>
    `The camera’s clock is ${size} ${isAhead ? "ahead" : "behind"}. The hub allows for it. A time server (“NTP”) in the camera’s settings puts it right.`,
  abilities: "What it says it can do",
  events: "Tell of events, such as its bell",
  backChannel: "Play your voice",
  masks: "Hide parts of its picture by itself",
  yes: "yes",
  no: "no",
  notSaid: "it does not say",
  audio: "Record sound",
  add: "Add this camera",
  noStreams: "The camera answers, but names no stream that Doorward can use.",
  rtspOnly:
    "Something there sends pictures (RTSP), but does not speak ONVIF. Switch ONVIF on in the camera, or enter the whole address of its stream, as its manual gives it.",
  wrongPassword:
    "The camera refuses this user name or password. Many cameras want a user of their own for ONVIF, which is made in their settings.",
  details: "All that was found",
};
