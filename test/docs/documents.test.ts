import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { projectRoot } from "../support/requirements.ts";
import { readRequestDocument } from "../../src/owner/requests.ts";
import { REQUEST_KINDS } from "../../src/protocol/request.ts";
import { readSettings } from "../../src/settings/settings.ts";

function read(relative: string): string {
  return readFileSync(path.join(projectRoot, relative), "utf8");
}

const documents = globSync("**/*.md", {
  cwd: projectRoot,
  exclude: (name) => ["node_modules", ".git", "data"].includes(name),
}).toSorted();

/** What a reader sees as prose: without what stands in fences. */
function withoutFences(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, "");
}

/** As GitHub and its like make them: lower case, spaces to hyphens, punctuation gone. */
function anchorsOf(text: string): string[] {
  return [...withoutFences(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("the documents", () => {
  test("are there", () => {
    for (const name of ["README.md", "docs/threat-model.md", "docs/promises.md", "docs/guide.md"])
      expect(documents).toContain(name);
  });

  test.each(documents)("%s has no link that leads nowhere", (document) => {
    const text = withoutFences(read(document));
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      const relative = file === "" ? document : path.join(path.dirname(document), file);
      expect(existsSync(path.join(projectRoot, relative)), `${target} in ${document}`).toBe(true);
      if (anchor !== undefined)
        expect(anchorsOf(read(relative)), `${target} in ${document}`).toContain(anchor);
    }
  });

  test("are each reached from the README", () => {
    const seen = new Set(["README.md"]);
    for (const document of seen)
      for (const [, target = ""] of withoutFences(read(document)).matchAll(/\]\(([^)\s#]+)/g))
        if (target.endsWith(".md") && !target.includes(":"))
          seen.add(path.join(path.dirname(document), target));
    const atTheTop = documents.filter((name) => /^(?:docs\/)?[^/]+\.md$/.test(name));
    expect(atTheTop.length).toBeGreaterThan(15);
    for (const document of atTheTop) expect(seen, document).toContain(document);
  });

  test.each(documents)("%s names no machine, no registry, and not how it was made", (document) => {
    const text = read(document);
    const foreign = [
      /\/(?:work|tmp|root|home\/\w+)\//,
      /\.\.\/shared/,
      /\bregistry\.[a-z]/i,
      /\bregistry host/i,
      /\bissue [A-G]\b/,
      /\b(?:prompt|chatbot|language model|sub-?agent|helper session)s?\b/i,
    ];
    for (const pattern of foreign) expect(text, `${pattern}`).not.toMatch(pattern);
  });

  test.each(documents)(
    "%s claims nothing that only a court or an authority can say",
    (document) => {
      const claims =
        /\bcourt[- ]admissible\b|\bGDPR[- ]compliant\b|\bmilitary[- ]grade\b|\bunbreakable\b/i;
      expect(read(document)).not.toMatch(claims);
    },
  );

  test("files that they name in the source are there", () => {
    for (const document of documents)
      for (const [, file = ""] of read(document).matchAll(
        /`((?:src|test|docs|config)\/[\w./-]+\.\w+)`/g,
      ))
        expect(existsSync(path.join(projectRoot, file)), `${file} in ${document}`).toBe(true);
  });
});

describe("commands in the documents", () => {
  const usages = [
    ...read("src/cli/main.ts").matchAll(
      /^ {2}"?([a-z][a-z ]*)"?: \{[^]*?usage:\s*(["'])(.+?)\2,$/gm,
    ),
  ].map(([, name = "", , usage = ""]) => ({ name, usage }));
  const shown = ["README.md", "docs/guide.md", "docs/command-line.md"].flatMap((document) =>
    [
      ...read(document)
        .replaceAll("\\\n", " ")
        .matchAll(
          /(?:\.\/doorward|`doorward|^\| `doorward) ((?:(?:owner|cameras) )?[a-z]+)([^`\n]*)/gm,
        ),
    ].map(([line, name = "", rest = ""]) => ({ line: `${document}: ${line}`, name, rest })),
  );

  test("are found, so that this means something", () => {
    expect(usages.length).toBeGreaterThan(20);
    expect(shown.length).toBeGreaterThan(30);
  });

  test("exist, with the options that are shown", () => {
    for (const { line, name, rest } of shown) {
      if (name === "help" || name === "version") continue;
      const usage = usages.find((known) => known.name === name)?.usage;
      expect(usage, line).toBeDefined();
      for (const [option = ""] of rest.split("#")[0]?.matchAll(/--[a-z]+/g) ?? [])
        expect(usage, line).toContain(option);
    }
  });

  test("are all in the list of the command line", () => {
    const list = read("docs/command-line.md").split("\n## Every command\n")[1] ?? "";
    for (const { name } of usages) {
      const short = name.replace(/^owner /, "");
      expect(list, name).toMatch(new RegExp(`\`(?:doorward )?(?:owner )?${short}\``));
    }
  });

  test("of npm are scripts of the package", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    for (const document of documents)
      for (const [, run, plain] of read(document).matchAll(
        /\bnpm (?:run ([a-z]+)|(start|test))\b/g,
      ))
        expect(Object.keys(scripts), document).toContain(run ?? plain);
  });
});

test("every decision is in the index, under its own title and number", () => {
  const index = read("docs/decisions/README.md");
  const records = globSync("docs/decisions/0*.md", { cwd: projectRoot }).toSorted();
  expect(records.length).toBeGreaterThan(8);
  for (const record of records) {
    const [, number = "", title = ""] = /^# (\d+)\. (.+)$/m.exec(read(record)) ?? [];
    expect(path.basename(record).slice(0, 4)).toBe(number.padStart(4, "0"));
    expect(index).toContain(`- ${number}. [${title}](${path.basename(record)})`);
  }
});

test("the example settings are settings, and the example secrets are taken for them", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "doorward-documents-"));
  try {
    const file = path.join(projectRoot, "config/doorward.yaml");
    const settings = await readSettings(folder, file, {});
    expect(settings.cameras.map(({ id }) => id)).toEqual(["front"]);
    const withOutside = path.join(folder, "doorward.yaml");
    writeFileSync(
      withOutside,
      read("config/doorward.yaml").replaceAll(/^# (outside:|  port|  url)/gm, "$1"),
    );
    const { outside } = await readSettings(folder, withOutside, {});
    expect(outside).toEqual({ port: 8090, url: "https://requests.example.org" });
    mkdirSync(path.join(folder, "secrets"));
    copyFileSync(
      path.join(projectRoot, "config/cameras.yaml"),
      path.join(folder, "secrets/cameras.yaml"),
    );
    const [camera] = (await readSettings(folder, file, {})).cameras;
    expect(camera).toMatchObject({ username: "doorward", password: "change me" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the guide's example of a request is one that can be typed in", () => {
  const written = /```json\n([^]*?)\n```/.exec(read("docs/guide.md"))?.[1] ?? "";
  const { asked, personal } = readRequestDocument(JSON.parse(written));
  expect(asked.kind).toBe("insurer");
  expect(personal.requester.name).toBe("K. Example");
  for (const kind of REQUEST_KINDS) expect(read("docs/guide.md")).toContain(kind);
});

test("the licence is the whole text of the GNU AGPL, version 3", () => {
  const sha256 = createHash("sha256").update(read("LICENSE")).digest("hex");
  expect(sha256).toBe("0d96a4ff68ad6d4b6f1f30f713b18d5184912ba8dd389f86aa7710db079abcb0");
  expect(read("package.json")).toContain('"license": "AGPL-3.0-or-later"');
});

test("the picture of the way is small, has words for those who do not see it, and loads nothing", () => {
  const picture = read("docs/way.svg");
  expect(statSync(path.join(projectRoot, "docs/way.svg")).size).toBeLessThan(16_384);
  expect(picture).toMatch(/<title [^>]*>[^<]+<\/title>\s*<desc [^>]*>[^<]{100,}/);
  expect(picture).not.toMatch(/<script|<image|href=|@import|url\((?!#)/);
});
