export const english = {
  title: "Cameras and settings",
  cameras: "Cameras",
  add: "Add a camera",
  edit: "Change",
  demo: "A demo: a scene that Doorward draws itself, so that you can try everything. It goes when the first camera is added.",
  states: {
    streaming: "Connected",
    connecting: "Connecting …",
    "waiting-to-retry": "Not connected; it is tried again",
    idle: "Not connected yet",
    off: "Switched off",
  },
  perSecond: (pictures: string) => `${pictures} pictures a second`,
  recording: "An event is being recorded.",
  lastPicture: (when: string) => `Last picture ${when}.`,
  noPicture: "No picture yet.",
  sub: "Motion is looked for in a smaller stream.",
  noSub: "No smaller stream: looking for motion costs the hub more work.",
  audioOn: "With sound.",
  facesAre: {
    keep: "Faces are recorded as they are.",
    "blur-copy": "With a copy in which faces are covered.",
    "blur-only": "Only with faces covered.",
  },
  newTitle: "A new camera",
  editTitle: (name: string) => `Change ${name}`,
  name: "Name",
  nameHint: "As people say it: Front door, Garage.",
  main: "Address of the picture",
  mainHint:
    "rtsp://… as the camera’s manual or app gives it. Only RTSP; nothing is fetched from anywhere else.",
  sub_: "Address of the smaller stream",
  subHint: "Optional. Motion is looked for in this one, which spares the hub.",
  username: "User name",
  password: "Password",
  passwordKept: "There is one. Leave empty to keep it.",
  removePassword: "Forget the password",
  audio: "Record sound",
  audioHint:
    "Off unless you want it. Recording what people say is another matter than pictures: in many countries those who speak must agree or be told, and in some it is forbidden. Find out what holds where you live, and say it on your sign.",
  talk: "Let the household talk through it",
  talkHint: "Whoever may look live can then also be heard at the door, if the camera takes sound.",
  faces: "Faces",
  try: "Try it",
  trying: "Asking the camera; this takes up to ten seconds …",
  works: (codec: string, width: string, height: string) =>
    `It works: ${codec}, ${width} × ${height}.`,
  worksSimply: "It works.",
  addIt: "Add this camera",
  saveIt: "Save",
  remove: "Remove this camera",
  removeTitle: (name: string) => `Remove ${name}?`,
  removeText: "It is no longer connected to. Its recordings stay, and go when their time is over.",
  house: "The house",
  houseName: "Name of the house",
  saved: "Saved.",
  retention: "How long recordings stay",
  retentionHint:
    "Bells stay longest. When the disk is full, the oldest go first, whatever stands here; what you keep stays.",
  motion: "Motion and everything else",
  bell: "The bell",
  space: "At most this much room",
  noLimit: "No limit but the disk",
  days: (days: number) => (days === 1 ? "1 day" : `${days} days`),
  hours: (hours: string) => `${hours} hours`,
  byDefault: (value: string) => `${value} (usual)`,
  preview: (clips: string, size: string) => `Within a day: ${clips} recordings, ${size}, go.`,
  previewNothing: "Within a day: nothing goes.",
  used: (used: string, free: string) => `${used} used, ${free} free.`,
  daysLeft: (days: string) => `Room for about ${days} more days.`,
  confirmShorter:
    "Shorter than now: recordings that are older go within minutes of saving, and cannot come back. What you keep stays.",
  confirmSmaller: (used: string) =>
    `Recordings take ${used} now: the oldest go within minutes of saving until the rest fits. What you keep stays.`,
  file: (name: string) =>
    `All of this stands in the file ${name} on the hub; your comments in it stay.`,
  notes: {
    PUBLIC_SPACE:
      "Motion is not recorded: too much of its picture is public space. Mask a part of it or turn the camera, under Zones and masks. A pressed bell is recorded.",
    BELL_LOST: "Its bell is not heard just now; further down, under Bells, it says why.",
    NO_BLURRED_COPIES:
      "This machine cannot cover faces, so there are no blurred copies: it records originals only. The health page says why.",
    NOTHING_RECORDED:
      "This machine cannot cover faces, and nothing clear may be kept: so nothing is recorded. Choose another setting, or see on the health page why it cannot.",
    SOUND_ABSENT:
      "Sound is to be recorded, and this camera sends none. Switch its microphone on in the camera’s own settings, or sound off here.",
    SOUND_FAILING:
      "There is no sound just now: what turns it into a form that plays everywhere has failed, or the camera refuses to send it. It is tried again by itself; pictures are recorded all the same.",
    SOUND_UNSUPPORTED:
      "This camera’s sound cannot be recorded in the form in which it comes. Choose AAC or G.711 (also called PCMU, PCMA, µ-law or A-law) for sound in the camera’s own settings.",
    RECORDED_AS_HEVC:
      "Recorded in H.265, as the camera sends it. A browser that cannot show H.265 shows the smaller picture live; recordings can be saved and played with VLC.",
    HEVC_WITHOUT_SUB:
      "This camera sends H.265 only. It is recorded and watched for motion, but many browsers cannot show it live. Set the sub stream to H.264 in the camera’s settings, and enter its address here.",
    HEVC_SUB:
      "The sub stream of this camera is H.265. It is watched for motion, but many browsers cannot show it live. Set the sub stream to H.264 in the camera’s settings.",
  },
  wrongField: (label: string) => `The hub does not take what stands in “${label}”.`,
  errors: {
    SETTINGS_UNREADABLE:
      "Somebody has changed the settings file by hand, and it is wrong now. Put it right on the hub first; nothing was saved.",
    SETTINGS_CHANGED: "The settings file was being changed by hand at this moment. Try again.",
    SETTINGS_FILE_ONLY: "This can be set in the settings file on the hub only.",
    SETTINGS_NOT_WRITTEN: "The hub could not write its settings file. Nothing has changed.",
    CAMERA_TEST_BUSY: "Another camera is being tried just now. Wait a few seconds.",
    CAMERA_TEST_FAILED: "The trial itself failed. Try again.",
    NOT_FOUND: "There is no such camera any more.",
    TOO_LARGE: "The settings file would become too large.",
  },
};
export type CameraWords = typeof english;
