import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin, type Rolldown } from "vite";

const FILES_MODULE = "virtual:build-files";
const NAME = "service-worker.js";
const folder = fileURLToPath(new URL("./service-worker", import.meta.url));

/** Files beside the assets that the page is made of; the icons are the system's to fetch. */
const PLAIN_FILES = ["index.html", "door.svg"];

/**
 * Writes the service worker beside the page, when everything else is written: it names each file of
 * this build by its hash, so that it never keeps another, nor one half of two builds.
 */
export function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    async writeBundle({ dir }) {
      if (dir === undefined) throw new Error("the build has no folder");
      writeFileSync(path.join(dir, NAME), await bundle(filesIn(dir)));
    },
  };
}

type Files = readonly (readonly [name: string, sha256: string])[];

function filesIn(directory: string): Files {
  const assets = readdirSync(path.join(directory, "assets"), {
    recursive: true,
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)));
  return [...PLAIN_FILES, ...assets].sort().map((name) => [
    name === "index.html" ? "/" : `/${name}`,
    createHash("sha256")
      .update(readFileSync(path.join(directory, name)))
      .digest("hex"),
  ]);
}

async function bundle(files: Files): Promise<string> {
  const result = await build({
    configFile: false,
    root: folder,
    logLevel: "error",
    mode: "production",
    publicDir: false,
    plugins: [
      {
        name: "build-files",
        resolveId: (id) => (id === FILES_MODULE ? `\0${FILES_MODULE}` : null),
        load: (id) =>
          id === `\0${FILES_MODULE}` ? `export default ${JSON.stringify(files)};` : null,
      },
    ],
    build: {
      write: false,
      target: "es2022",
      sourcemap: false,
      modulePreload: false,
      rollupOptions: {
        checks: { pluginTimings: false },
        input: path.join(folder, "service-worker.ts"),
        output: { format: "iife" },
      },
    },
  });
  const [{ output }] = [result].flat() as [Rolldown.RolldownOutput];
  const [script] = output;
  if (output.length !== 1 || script.type !== "chunk")
    throw new Error(`the service worker is ${output.length} files, not one script`);
  return script.code;
}
