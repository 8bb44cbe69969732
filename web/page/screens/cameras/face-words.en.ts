export const english = {
  faces: "Faces in what is recorded",
  choices: {
    keep: "Record them as they are",
    "blur-copy": "Also record a copy in which they are covered",
    "blur-only": "Record nothing but the covered picture",
  },
  means: {
    keep: "No copy. Whoever has the role of a viewer sees nothing of this camera’s recordings.",
    "blur-copy":
      "The clear recording stays sealed to owners and adults. Viewers see the copy, and the copy is what leaves the house unless you sign for clear faces. Costs the hub’s processor, about half as much room again, and some minutes’ delay on a small board.",
    "blur-only":
      "No clear picture is ever kept, for nobody, and a missed face cannot be put right later. Where the hub cannot keep up, that footage is lost, and the gap is shown.",
  },
  cover: "What is covered",
  covers: { faces: "Faces", persons: "Whole persons" },
  coverMeans: {
    faces: "Clothes and gait stay to be seen.",
    persons: "Stricter: everybody who is found is covered from head to foot.",
  },
  plates: "Also cover number plates",
  platesMeans:
    "The lower part of every vehicle that is found. No plate is ever looked for or read.",
  mode: "How thoroughly it looks",
  modes: { standard: "Standard", thorough: "Thorough" },
  modeMeans: {
    standard: "Every picture is looked at, by one detector and a second that knows persons.",
    thorough:
      "With more detectors and at more sizes: misses fewer faces, and takes several times as long.",
  },
  limits:
    "Covering faces is not anonymity: some are missed, and whoever knows somebody knows the coat. Where nothing could be looked at, the picture is pixelated whole or left out, never left clear.",
};
