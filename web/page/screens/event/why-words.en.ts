export const english = {
  title: "Was this nothing?",
  text: "Leaves, rain, a cat you know by name: say so, and the hub tells you what to change.",
  mark: "This was nothing",
  marked: "You said that this was nothing. The recording stays until it goes by itself.",
  unmark: "It was something",
  early: "With one more like it there will be something to suggest.",
  none: "These events differ too much, or are too large, for a setting to keep them out without losing visitors.",
  heading: (marked: string) => `From the last ${marked} that were nothing`,
  smallest: (spares: string, marked: string, size: string) =>
    `${spares} of ${marked} were small. Things that cover less than ${size} need not be recorded.`,
  zone: (spares: string, marked: string, zone: string) =>
    `${spares} of ${marked} were in the zone “${zone}”. It could be made smaller, or left out.`,
  drawZones: "Zones let you say where motion counts, so that a tree or a street does not.",
  loses: (loses: string, others: string) =>
    `Of your ${others} other events, this would have left out about ${loses}.`,
  raise: (size: string) => `Leave out what is under ${size}`,
  toZones: "Show the zones",
  done: (size: string) => `Set: from now on things have to cover ${size} of their zone.`,
  back: (size: string) => `Set it back to ${size}`,
  demo: "This is the demo camera: it has no settings to change.",
};
