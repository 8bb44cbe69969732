import { globSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import path from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { projectRoot } from "./support/requirements.ts";
import { FREE_FOLDERS, IMPORTS } from "./support/source-folders.ts";

const sourceRoot = path.join(projectRoot, "src");

const OWNER_SIDE_FOLDERS = ["owner", "cli"];

/** Where the processes of the hub begin: each of them, so that none is forgotten. */
const HUB_ENTRIES = readdirSync(sourceRoot).filter((file) => file.endsWith(".ts"));

/** Globals that mean input, output or a particular runtime. */
const IMPURE = /\b(?:process|Buffer|fetch|console|require|setTimeout|setInterval|WebSocket)\s*[.(]/;

/** Ways to open what was sealed, with node:crypto, WebCrypto or the libraries that we have. */
const DECIPHERING =
  /\b(?:createDecipher\w*|privateDecrypt|decapsulate\w*|unwrapKey|Decrypter|unseal\w*)\b|\.decrypt\w*\s*\(/;

const sources = readdirSync(sourceRoot, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .toSorted();

function readSource(file: string): string {
  return readFileSync(path.join(sourceRoot, file), "utf8");
}

/** Everything that `text` names in import, export ... from and import(), types included. */
function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

/** Path below src of what `specifier` in `file` names, or null where it is a package. */
function resolveSource(file: string, specifier: string): string | null {
  return specifier.startsWith(".") ? path.join(path.dirname(file), specifier) : null;
}

function folderOf(file: string): string | null {
  const [first = "", ...rest] = file.split(path.sep);
  return rest.length === 0 ? null : first;
}

describe("imports point one way", () => {
  test.each(sources)("%s imports only what is below it", (file) => {
    const folder = folderOf(file);
    if (folder !== null && FREE_FOLDERS.includes(folder)) return;
    for (const specifier of importsOf(readSource(file))) {
      const target = resolveSource(file, specifier);
      if (target === null) continue;
      expect(sources, `${file} imports ${specifier}`).toContain(target);
      const targetFolder = folderOf(target);
      const problem = `${file} may not import ${target}`;
      if (folder === null) expect(OWNER_SIDE_FOLDERS, problem).not.toContain(targetFolder);
      else if (targetFolder !== folder) expect(IMPORTS[folder], problem).toContain(targetFolder);
    }
  });

  test("a folder that nobody has given a place to is noticed", () => {
    const folders = new Set(sources.map(folderOf).filter((folder) => folder !== null));
    const placed = [...Object.keys(IMPORTS), ...FREE_FOLDERS];
    expect([...folders].filter((folder) => !placed.includes(folder))).toEqual([]);
  });

  test("no folder may import what it does not", () => {
    const unused = Object.entries(IMPORTS).flatMap(([folder, allowed]) => {
      const own = sources.filter((file) => folderOf(file) === folder);
      const used = new Set(
        own.flatMap((file) =>
          importsOf(readSource(file)).map((name) => folderOf(resolveSource(file, name) ?? "")),
        ),
      );
      return allowed.filter((name) => !used.has(name)).map((name) => `${folder}: ${name}`);
    });
    expect(unused).toEqual([]);
  });

  test("no folder is below itself", () => {
    // Each may be taken away once all that it imports is gone; what is left goes in a circle.
    const left = new Set(Object.keys(IMPORTS));
    for (let before = -1; before !== left.size;) {
      before = left.size;
      for (const folder of left)
        if (!IMPORTS[folder]?.some((name) => left.has(name))) left.delete(folder);
    }
    expect([...left]).toEqual([]);
  });

  test("directly in src lie the beginnings of the processes, and nothing else", () => {
    const beginnings = sources.filter((file) => folderOf(file) === null);
    expect(beginnings.filter((file) => !/^(?:[a-z-]+-)?main\.ts$/.test(file))).toEqual([]);
  });
});

test("the page imports of src what runs in a browser, and nothing else", () => {
  const files = globSync("web/**/*.{ts,svelte}", { cwd: projectRoot, exclude: ["web/dist/**"] });
  const imported = files.flatMap((file) =>
    [
      ...readFileSync(path.join(projectRoot, file), "utf8").matchAll(/\/src\/([\w-]+)\/[\w./-]+"/g),
    ].map(([, folder = ""]) => ({ file, folder })),
  );
  expect(imported.length).toBeGreaterThan(100);
  expect(imported.filter(({ folder }) => !["owner", "protocol", "blur"].includes(folder))).toEqual(
    [],
  );
});

describe("protocol and blur run anywhere", () => {
  test.each(sources.filter((file) => ["protocol", "blur"].includes(folderOf(file) ?? "")))(
    "%s has no Node in it and does no input or output",
    (file) => {
      const text = runningText(readSource(file));
      for (const specifier of importsOf(text)) {
        expect(specifier).not.toMatch(/^node:/);
        expect(builtinModules).not.toContain(specifier);
      }
      expect(IMPURE.exec(text)?.[0]).toBeUndefined();
    },
  );
});

/** What Node runs of a source: types, imports of types and comments are gone. */
function runningText(text: string): string {
  return ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      removeComments: true,
    },
  }).outputText;
}

/** Files started by name (workers, child processes): every string that is the path of a source. */
function filesNamedIn(file: string, text: string): string[] {
  return [...text.matchAll(/["'`]([\w./-]+\.ts)["'`]/g)]
    .flatMap(([, name = ""]) => [path.join(path.dirname(file), name), name, path.join("..", name)])
    .filter((candidate) => sources.includes(candidate));
}

interface Reached {
  readonly files: ReadonlySet<string>;
  readonly packages: ReadonlySet<string>;
}

/** Every file and package that starting `entries` can load. */
function reachableFrom(entries: readonly string[]): Reached {
  const files = new Set(entries);
  const packages = new Set<string>();
  for (const file of files) {
    const text = runningText(readSource(file));
    for (const specifier of importsOf(text)) {
      const target = resolveSource(file, specifier);
      if (target === null) packages.add(specifier);
      else files.add(target);
    }
    for (const named of filesNamedIn(file, text)) files.add(named);
  }
  return { files, packages };
}

describe("nothing that the hub can load opens a recording (invariant 1)", () => {
  const { files, packages } = reachableFrom(HUB_ENTRIES);

  test("no file of the owner's side is reachable from an entry of the hub", () => {
    const ownerSide = [...files].filter((file) =>
      OWNER_SIDE_FOLDERS.includes(folderOf(file) ?? ""),
    );
    expect(ownerSide).toEqual([]);
  });

  test("the library that opens age files is not reachable either", () => {
    expect([...packages].filter((name) => name.startsWith("age-encryption"))).toEqual([]);
  });

  test("no reachable file has a call that deciphers", () => {
    const found = [...files].flatMap((file) => {
      const match = DECIPHERING.exec(runningText(readSource(file)));
      return match === null ? [] : [`${file}: ${match[0]}`];
    });
    expect(found).toEqual([]);
  });

  test("the search itself finds what it looks for, where it is allowed to be", () => {
    const owner = reachableFrom(sources.filter((file) => folderOf(file) === "owner"));
    expect([...owner.packages].filter((name) => name.startsWith("age-encryption"))).not.toEqual([]);
    for (const call of [
      'createDecipheriv("chacha20-poly1305", key, nonce)',
      "chacha20poly1305(key, nonce).decrypt(chunk)",
      "crypto.decapsulate(key, ciphertext)",
      "privateDecrypt(key, data)",
      "new Decrypter()",
    ])
      expect(DECIPHERING.test(runningText(call)), call).toBe(true);
    expect(DECIPHERING.test(runningText("// createDecipheriv\nencrypt(1)"))).toBe(false);
  });
});
