/** Words of what is drawn on a camera's picture. */
export const english = {
  open: "Zones and masks",
  openOf: (camera: string) => `Zones and masks: ${camera}`,
  title: (camera: string) => `Zones and masks: ${camera}`,
  kinds: { zones: "Zones", masks: "Privacy masks", public: "Public space" },
  what: {
    zones:
      "Where it matters that something moves: with a zone, whatever moves outside of it is not recorded. Without any, the whole picture counts.",
    masks:
      "What nobody is to see, such as a neighbour’s window: it is painted over before anything is recorded, shown or looked at. Nobody can take it off a recording again.",
    public:
      "Street, pavement or other people’s ground, marked by you: where too much of the picture is public, the camera records no motion by itself.",
  },
  none: {
    zones: "No zone: the whole picture counts.",
    masks: "No mask: the whole picture is recorded.",
    public: "Nothing is marked as public.",
  },
  add: { zones: "New zone", masks: "New mask", public: "New public area" },
  full: "Eight is the most there can be.",
  zoneName: (number: string) => `Zone ${number}`,
  maskName: (number: string) => `Mask ${number}`,
  publicName: (number: string) => `Public area ${number}`,
  name: "Name of the zone",
  nameHint: "An event says it: something moved in this zone.",
  picture: (camera: string) => `Picture of ${camera}, to draw on`,
  how: "Drag a corner, or the area itself. With the keyboard: arrows move a corner, with Shift further; + adds one, Delete removes it.",
  still: "The picture stands still while you draw.",
  noPicture: "There is no picture just now. You can draw without one, by the numbers.",
  loading: "Fetching a picture …",
  again: "Take a new picture",
  undo: "Undo",
  removeArea: "Remove this area",
  corners: "Corners, in per cent of the picture",
  cornerAt: (area: string, number: string, x: string, y: string) =>
    `${area}, corner ${number}: ${x} from the left, ${y} from the top`,
  fromLeft: (number: string) => `Corner ${number}, from the left`,
  fromTop: (number: string) => `Corner ${number}, from the top`,
  left: "From the left",
  top: "From the top",
  addCorner: (number: string) => `Add a corner after corner ${number}`,
  removeCorner: (number: string) => `Remove corner ${number}`,
  share: (share: string, limit: string) =>
    `${share} of the picture is public; ${limit} is the limit.`,
  within: "Motion is recorded.",
  above:
    "Motion will not be recorded: mask a part of it, or turn the camera. A pressed bell is recorded all the same.",
  limit: "Limit for public space",
  limitHint:
    "Per cent of the picture. A house right at the pavement may need more than the usual 25; 50 is the most.",
  faults: {
    few: "It needs at least three corners.",
    many: "It has more than twenty corners.",
    outside: "A corner lies outside of the picture.",
    same: "Two corners lie on one another.",
    crossing: "Its edges cross or touch. Move a corner, or draw two areas.",
    small: "It is too small to be of any use.",
    unnamed: "It needs a name.",
    twice: "Another zone has the same name.",
  },
  faultIn: (area: string, fault: string) => `${area}: ${fault}`,
  save: "Save",
  saved: "Saved, and in force.",
  saving: "Saving. For masks it is measured first whether this machine can paint them …",
  savedMasks: "Saved. The camera is begun anew with its masks; the new picture shows them.",
  notPainted: "The masks cannot be painted now, so nothing of this camera is shown or recorded.",
  inCamera:
    "This camera may be able to hide these areas by itself, which spares the hub the painting. What it hides it hides from everybody.",
  askCamera: "Have the camera hide them",
  asking: "Asking the camera …",
  hiddenByCamera:
    "The camera says that it hides them on each of its pictures. Save them: the hub then sees to it that it goes on to.",
  notHiddenByCamera: "The camera does not hide them; the hub paints them once they are saved.",
  demo: "This is the drawn demonstration: what you draw here cannot be saved. It can be once there is a camera.",
  theirs: "Show what stands there now",
  errors: {
    SETTINGS_CHANGED:
      "Somebody else has changed these areas meanwhile, here or in the settings file. Look at theirs first; what you drew is not saved.",
    SETTINGS_UNREADABLE:
      "Somebody has changed the settings file by hand, and it is wrong now. Put it right on the hub first; nothing was saved.",
    SETTINGS_NOT_WRITTEN: "The hub could not write its settings file. Nothing has changed.",
    MASKS_TOO_MUCH:
      "This machine cannot paint these masks fast enough, so they were not saved. Below is what was measured.",
    TRANSCODE_NOT_MEASURED:
      "It could not be measured whether this machine can paint the masks. Nothing was saved.",
    CAMERA_TEST_BUSY: "Another camera is being asked just now. Wait a few seconds.",
    UNREACHABLE: "The camera does not answer.",
    NOT_FOUND: "There is no such camera any more.",
    NOT_ALLOWED: "Only an owner may change what is drawn here.",
    MALFORMED_INPUT: "The hub does not take one of these areas.",
  },
};
export type ZoneWords = typeof english;
