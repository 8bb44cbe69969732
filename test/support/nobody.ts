import { spawnSync } from "node:child_process";

const NOBODY = ["--reuid=65534", "--clear-groups"] as const;
/** Reads every file, and no process: what a user needs of whom only the program is out of reach. */
const READS_FILES = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"] as const;

/**
 * Arguments of `setpriv` that make nobody in particular of root. Where the project lies in a folder of
 * root's own, nobody could not even load the program; there he may read files, and nothing more.
 */
export function asNobody(program: string): readonly string[] {
  const reads = spawnSync("setpriv", [...NOBODY, "test", "-r", program]);
  return reads.status === 0 ? NOBODY : [...NOBODY, ...READS_FILES];
}
