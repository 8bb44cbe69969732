export const english = {
  looking: {
    title: "Looking for faces",
    text: "Every frame is looked at on this device. Nothing of it is stored or sent.",
    progress: (done: string, total: string) => `${done} of ${total} frames`,
    starting: "Fetching the detector …",
  },
  review: {
    title: "Check what will be blurred",
    limits:
      "A detector misses some faces, so look yourself. And blurring is not anonymity: clothes, gait, place and time still tell whoever knows the person.",
    found: (count: number) =>
      count === 0
        ? "No face was found. That does not mean that there is none."
        : count === 1
          ? "One face was followed."
          : `${count} faces were followed.`,
    weakest: "Look at these first",
    weakestText: "Frames in which the detector was least sure.",
    told: (name: string, what: string) => `${name}: ${what}`,
    doubts: {
      start: "a box begins or ends next to it",
      weak: "found, but not surely",
      filled: "filled in between two finds",
      held: "held on without a find",
      unsure: "something a little like a face, not blurred",
      moving: "something moves, no face found",
      spot: "to be sure",
    },
    frame: (frame: string, total: string) => `Frame ${frame} of ${total}`,
    picture: "The frame. Left and right arrow keys go to the frame before and after.",
    before: "Frame before",
    after: "Frame after",
    slider: "Frame",
    preview: "Show it blurred",
    noPicture: "This frame cannot be shown.",
    boxes: "Boxes in this frame",
    none: "There is no box in this frame.",
    box: (number: number) => `Box ${number}`,
    origins: {
      found: (share: string) => `found, ${share} sure`,
      filled: () => "filled in between",
      held: () => "held on",
      owner: () => "yours",
    },
    add: "Add a box",
    addHint:
      "Drag over the picture, or use the button. A box of yours moves with the arrow keys and changes its size with shift and the arrow keys.",
    from: "from frame",
    to: "to frame",
    notHere: "Not in this frame",
    never: "Not blurred at all",
    remove: "Remove the box",
    undo: "Undo",
    removed: "The box is taken away. It can be undone.",
    added: "A box was added in the middle of the picture.",
    make: "Looks right: make the blurred copy",
    cancel: "Cancel",
  },
  making: {
    title: "Making the blurred copy",
    text: "The picture is covered and coded again on this device, piece by piece.",
  },
  sending: {
    title: "Sealing and sending",
    text: "Sealed here, to the keys of your household, before it goes to the hub.",
  },
  failed: {
    title: "There is no blurred copy",
    nothing: "Nothing was made or sent.",
    again: "Start again",
    known: {
      DETECTOR_FAILED: "The detector does not run in this browser.",
      ENCODER_MISSING: "This browser does not encode H.264. Try another one.",
      ENCODER_FAILED: "The picture could not be coded again.",
      CODEC_NOT_SHOWN:
        "This browser cannot show H.265, so it cannot cover faces in it. Use one that can, such as Safari, or a camera set to H.264.",
      SEGMENT_UNREADABLE: "The recording cannot be read as a whole.",
      RENDITION_RELEASED:
        "Somebody may still fetch the copy that there is: an approval names it. Take that approval back first, under Requests.",
      RENDITION_WAITING: "The hub is still making its own copy. Wait until it is done.",
      RENDITION_KNOWN: "Another copy came in between. Look at it again.",
      REDACTOR_FAILED: "Blurring stopped unexpectedly.",
    },
    other: "Something went wrong.",
  },
};
export type RedactWords = typeof english;
