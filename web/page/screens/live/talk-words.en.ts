/** Words of talking to who stands at the door. */
export const english = {
  title: "Talk",
  hold: "Hold to talk",
  holdHint: "Hold while you speak. A short tap keeps it open until the next one.",
  letGo: "Let go to end",
  end: "Stop talking",
  states: {
    idle: "",
    asking: "Your browser asks for the microphone …",
    connecting: "Connecting …",
    heard: "You are heard now",
  },
  level: "How loud you are",
  say: "Have it say",
  saying: (name: string) => `Saying “${name}” …`,
  said: (name: string) => `“${name}” was said.`,
  busy: "Somebody else talks here now.",
  tryAgain: "Try again",
  unable: "This camera takes no sound.",
  troubles: {
    "microphone-denied":
      "Your browser does not let this page use the microphone. Allow it in the browser’s settings for this address.",
    "microphone-missing": "There is no microphone, or another program has it.",
    "microphone-insecure":
      "Browsers give the microphone only to pages over HTTPS or on localhost. Open the page that way.",
    NO_BACK_CHANNEL:
      "The camera takes no sound. Some offer it (ONVIF back channel) on another address, or only when their microphone is switched on.",
    UNSUPPORTED_CODEC:
      "The camera takes sound in a form the hub does not speak. Set its audio to G.711.",
    TALK_OFF: "Talking is switched off for this camera.",
    TALK_BUSY: "Somebody else talks here now. Try again in a moment.",
    TALK_TOO_LONG: "Five minutes are over, so it was ended. Press again to go on.",
    TALK_SILENT: "No sound came from the microphone, so it was ended.",
    CAMERA_OFF: "The camera is switched off.",
    SILENT: "The camera does not answer. Try again in a moment.",
    UNREACHABLE: "Nothing answers at the camera’s address.",
    WRONG_PASSWORD: "The camera refuses user name or password.",
    HUB_UNREACHABLE: "The hub does not answer.",
  },
  failed: "You could not be heard.",
};
