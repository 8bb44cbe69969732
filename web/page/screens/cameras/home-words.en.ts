/** Words of the privacy switch's hours and of the chime. */
export const english = {
  privacy: "Privacy",
  privacyText:
    "A camera that is off is not connected to: nothing of it is recorded or shown, and everybody in the house sees that. The bell still rings.",
  hoursOf: (camera: string) => `Hours in which ${camera} is off`,
  hoursZone: (zone: string) => `By the hub’s clock, in ${zone}.`,
  noHours: "None: it is off only when somebody switches it off.",
  addHours: "Add hours",
  removeHours: "Remove these hours",
  days: "Days",
  from: "From",
  to: "To",
  nextDay: "of the next day",
  saveHours: "Save the hours",
  sameTime: "From and to are the same. For a whole day choose midnight twice.",
  noDay: "Choose at least one day, or remove these hours.",
  saved: "Saved.",
  errors: {
    NOT_FOUND: "There is no camera of this name in the settings file.",
  },
  chime: "Chime in the house",
  chimeText:
    "What is heard in the house when somebody rings. It needs no Internet: the hub’s own loudspeaker, or a message to a broker in your network.",
  audio: "Sound on the hub’s own loudspeaker",
  sound: "Sound",
  sounds: { "two-tones": "Two tones", bell: "Small bell", knock: "Three knocks" },
  volume: "Volume",
  device: (device: string) => `Played on “${device}”; another device is set in the settings file.`,
  mqtt: "Message over MQTT",
  mqttHint:
    "MQTT is how many devices in a house talk to each other, for example through Home Assistant.",
  noBroker: "No broker is set yet: it stands under mqtt in the settings file.",
  topic: "Topic",
  payload: "Message",
  quiet: "Quiet hours",
  quietText: "In these hours nothing sounds and no message is sent. Open pages still ring.",
  noQuiet: "None: it always sounds.",
  quietNow: "It is quiet now.",
  saveChime: "Save the chime",
  play: "Play it now",
  playing: "Playing …",
  played: "It was played.",
  published: "The message was sent.",
  nothing: "Neither is switched on.",
  unsaved: "Save first: what is played is what is saved.",
  problems: {
    NO_PLAYER:
      "The hub’s machine has no program that plays sounds. Install one there: apt install alsa-utils.",
    NO_SOUND_DEVICE:
      "The hub’s machine found no loudspeaker. Connect one, and choose it as chime.device in the settings file; aplay -L lists what there is.",
    CHIME_TOO_SLOW: "The hub’s loudspeaker took too long and was given up.",
    CHIME_FAILED: "The sound could not be played on the hub’s machine.",
    CHIME_BUSY: "It was sounding already.",
    NO_BROKER: "No broker is set, so no message can be sent.",
    NOT_PUBLISHED: "The broker did not take the message.",
  },
};
export type HomeWords = typeof english;
