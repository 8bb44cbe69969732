import type { Sabotage } from "./sabotage.ts";

/** Who sees which picture of a recording, and what may take its place. */
export const RENDITION_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a viewer is handed clear stills",
    file: "src/http/clip-routes.ts",
    find: 'return rendition === "blurred" ? "view_blurred" : "view_originals";',
    replace: 'return rendition === "" ? "view_originals" : "view_blurred";',
    tests: ["test/http/renditions-by-role.test.ts"],
    only: "go to a device of role",
  },
  {
    name: "a recording passes for its own blurred copy",
    file: "src/protocol/listed-files.ts",
    find: "if (payloads.has(file.payloadSha256)) throw",
    replace: "if (payloads.size < 0) throw",
    tests: ["test/protocol/listed-files.test.ts"],
    only: "under another name",
  },
  {
    name: "what is called blurred is opened with any key",
    file: "src/owner/device-bundle.ts",
    find: 'if (rendition === "original") return all;',
    replace: 'if (rendition !== "original") return all;',
    tests: ["test/owner/release.test.ts"],
    only: "called blurred",
  },
  {
    name: "a copy that an approval names is erased under it",
    file: "src/clips/renditions.ts",
    find: "if (replaces.some((payload) => released.has(payload)))",
    replace: "if (released.size < 0)",
    tests: ["test/hub/rendition-replaced.test.ts"],
    only: "waits while an approval names",
  },
];
