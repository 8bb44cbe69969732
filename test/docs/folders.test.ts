import { globSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { projectRoot } from "../support/requirements.ts";
import { FREE_FOLDERS, IMPORTS } from "../support/source-folders.ts";

function read(relative: string): string {
  return readFileSync(path.join(projectRoot, relative), "utf8");
}

function foldersIn(relative: string): string[] {
  return readdirSync(path.join(projectRoot, relative), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

const sourceFolders = foldersIn("src");
const READMES = [
  ...sourceFolders.map((folder) => `src/${folder}/README.md`),
  ...["test", "bench", "scripts", "config", "web"].map((folder) => `${folder}/README.md`),
];

/** Files and folders that stand in the first cell of a row. */
function namedInTables(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => /^\| \[?`/.test(line))
    .flatMap((line) =>
      [...(line.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
    )
    .filter((name) => /^[\w*./-]+(?:\.(?:ts|mjs|py|pl|sh)|\/)$/.test(name));
}

describe("what a folder says of itself", () => {
  test.each(READMES)("%s begins with what it promises, and what it must not know", (file) => {
    const beginning = read(file).split(/^(?:## |\| )/m)[0] ?? "";
    expect(beginning).toMatch(/^# \w/);
    expect(beginning).toMatch(/^\*\*Promises:\*\* \w/m);
    expect(beginning).toMatch(/^\*\*Must not know:\*\* \w/m);
    expect(beginning.split("\n").length, "lines before the table").toBeLessThan(30);
  });

  test.each(sourceFolders)("src/%s says where its second promise is held", (folder) => {
    const [, after = ""] = read(`src/${folder}/README.md`).split("**Must not know:**");
    expect(after.split("\n\n")[0]).toMatch(/\]\(\.\.\/\.\.\/test\/[\w./-]+\.test\.ts\)/);
  });

  test.each(READMES)("%s names files that there are", (file) => {
    for (const name of namedInTables(read(file))) {
      const found = [path.dirname(file), "."].flatMap((folder) =>
        globSync(name.replace(/\/$/, ""), { cwd: path.join(projectRoot, folder) }),
      );
      expect(found, `${name} in ${file}`).not.toEqual([]);
    }
  });

  test.each(sourceFolders)("src/%s names every file and folder that is in it", (folder) => {
    const named = namedInTables(read(`src/${folder}/README.md`));
    const files = readdirSync(path.join(projectRoot, "src", folder)).filter((name) =>
      name.endsWith(".ts"),
    );
    expect(files.filter((name) => !named.includes(name))).toEqual([]);
    const text = read(`src/${folder}/README.md`);
    const silent = foldersIn(`src/${folder}`).filter(
      (name) => !text.includes(`${name}/`) && !text.includes(`(${name})`),
    );
    expect(silent).toEqual([]);
  });

  test("the table of src is what imports what, in the order of the imports", () => {
    const rows = [
      ...read("src/README.md").matchAll(/^\| \[([\w-]+)\]\(([\w/.-]+)\) \|[^|]+\|([^|]*)\|$/gm),
    ].map(([, folder = "", link, imports = ""]) => ({ folder, link, imports: imports.trim() }));
    expect(rows.map(({ folder }) => folder).toSorted()).toEqual(sourceFolders);
    const seen = new Set<string>();
    for (const { folder, link, imports } of rows) {
      expect(link).toBe(`${folder}/README.md`);
      const wanted = FREE_FOLDERS.includes(folder) ? "any" : (IMPORTS[folder] ?? []).join(", ");
      expect(imports, folder).toBe(wanted);
      for (const name of IMPORTS[folder] ?? [])
        expect(seen, `${name} above ${folder}`).toContain(name);
      seen.add(folder);
    }
  });

  test("the map links to each of them", () => {
    const map = read("docs/architecture.md");
    const links = [...sourceFolders.map((folder) => `../src/${folder}/README.md`)];
    expect(links.filter((link) => !map.includes(`](${link})`))).toEqual([]);
  });

  test("the picture has every folder, and an arrow for each import that no other implies", () => {
    const picture = read("docs/imports.svg");
    const drawn = [...picture.matchAll(/data-folder="([\w-]+)"/g)].map(([, name = ""]) => name);
    expect(drawn.toSorted()).toEqual(sourceFolders);
    const arrows = [...picture.matchAll(/data-import="([\w-]+) ([\w-]+)"/g)].map(
      ([, from, to]) => `${from} ${to}`,
    );
    const wanted = Object.entries(IMPORTS).flatMap(([folder, imports]) =>
      imports
        .filter((name) => !imports.some((other) => below(other).has(name)))
        .map((name) => `${folder} ${name}`),
    );
    for (const folder of FREE_FOLDERS)
      wanted.push(...["hub", "owner"].map((name) => `${folder} ${name}`));
    expect(arrows.toSorted()).toEqual(wanted.toSorted());
  });
});

/** All that `folder` imports, and what that imports. */
function below(folder: string, found = new Set<string>()): ReadonlySet<string> {
  for (const name of IMPORTS[folder] ?? []) {
    if (found.has(name)) continue;
    found.add(name);
    below(name, found);
  }
  return found;
}

test("the processes that begin in src are named where it is introduced", () => {
  const text = read("src/README.md");
  for (const file of readdirSync(path.join(projectRoot, "src")).filter((name) =>
    name.endsWith(".ts"),
  ))
    expect(text).toContain(`\`${file}\``);
});
