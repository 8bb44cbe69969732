export const english = {
  title: "What counts as motion",
  text: "For each camera: what begins a recording by itself. A bell is always recorded.",
  sensitivity: "How much it must stand out",
  low: "A lot",
  normal: "As usual",
  high: "A little",
  sensitivityText:
    "“A lot” lets rain, insects and dusk pass, and may miss somebody in dark clothes at night.",
  smallest: "Smallest size, in percent of its zone",
  smallestText:
    "What covers less begins no recording. A person at the door covers 5 and more, one at the garden gate 0.5 to 1. At 0, everything that can be told from noise counts.",
  objects: "Tell people, vehicles and animals apart",
  objectsText:
    "Some pictures of each event are looked at on this hub. Only the word is kept; without it, every event is “motion”.",
  save: "Save",
  saved: "Saved. It holds from the next picture on.",
  wrong: "A number from 0 to 50.",
};
