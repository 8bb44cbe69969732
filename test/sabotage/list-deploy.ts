import type { Sabotage } from "./sabotage.ts";

/** Edits after which an installed hub may do more than it has to, or an upgrade has no way back. */
export const DEPLOY_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a decoder's unit reads a filter's own file",
    file: "src/base/decoder-launcher.pl",
    find: "return 0 if !$FILTERS{$name};",
    replace: "",
    tests: ["test/deploy/units.test.ts"],
    only: "is not started for",
  },
  {
    name: "a decoder's unit refuses an option that the hub gives",
    file: "src/base/decoder-launcher.pl",
    find: "-frames:v -cutoff -sc_threshold",
    replace: "-frames:v -sc_threshold",
    tests: ["test/deploy/decoder-forms.test.ts"],
    only: "sound-encoder.ts asks for",
  },
  {
    name: "an upgrade keeps no copy",
    file: "src/base/database.ts",
    find: "      backUpBeforeUpgrade(database, databasePath, pending[0].number);",
    replace: "      void backUpBeforeUpgrade;",
    tests: ["test/deploy/upgrade.test.ts"],
    only: "is there before the first change",
  },
];
