import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { licencesRefused, noticeText, packagesOfPage } from "../scripts/licences.ts";
import { billOfMaterials } from "../scripts/sbom.ts";
import { secretsIn, trackedFiles } from "../scripts/secrets.ts";
import { shippedPackages } from "../scripts/shipped/packages.ts";
import { projectRoot } from "./support/requirements.ts";
import { temporaryFolder } from "./support/temporary.ts";

interface Bill {
  readonly serialNumber: string;
  readonly components: readonly {
    readonly "bom-ref": string;
    readonly type: string;
    readonly purl?: string;
    readonly hashes: readonly { readonly alg: string; readonly content: string }[];
    readonly licenses: readonly object[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: string[] }[];
}

const billText = billOfMaterials();
const bill = JSON.parse(billText) as Bill;

/** The project's lists with one package more, or with a model that nobody described. */
function treeWith(folder: string, packages: Record<string, object>, model: string | null): string {
  for (const name of ["package.json", "package-lock.json", "models/README.md"]) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    cpSync(path.join(projectRoot, name), path.join(folder, name));
  }
  const file = path.join(folder, "package-lock.json");
  const lock = JSON.parse(readFileSync(file, "utf8")) as { packages: Record<string, object> };
  Object.assign(lock.packages, packages);
  const own = path.join(folder, "package.json");
  const manifest = JSON.parse(readFileSync(own, "utf8")) as { dependencies: object };
  const names = Object.keys(packages).map((name) => [name.replace("node_modules/", ""), "1.0.0"]);
  Object.assign(manifest.dependencies, Object.fromEntries(names));
  writeFileSync(own, JSON.stringify(manifest));
  writeFileSync(file, JSON.stringify(lock));
  if (model !== null) writeFileSync(path.join(folder, "models", model), "weights");
  return folder;
}

const integrity = `sha512-${"A".repeat(86)}==`;

describe("what is shipped", () => {
  test("is what npm installs here without the packages of developers, and more for other machines", () => {
    const file = path.join(projectRoot, "node_modules/.package-lock.json");
    const { packages } = JSON.parse(readFileSync(file, "utf8")) as {
      packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
    };
    const here = Object.entries(packages)
      .filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true)
      .map(([folder]) => folder);
    const shipped = shippedPackages();
    const folders = shipped.map(({ folder }) => folder);
    expect(here.filter((folder) => !folders.includes(folder))).toEqual([]);
    const elsewhere = shipped.filter(({ folder }) => !here.includes(folder));
    expect(elsewhere.filter(({ isOptional }) => !isOptional)).toEqual([]);
    for (const machine of ["x64", "arm64"])
      expect(folders).toContain(`node_modules/node-linux-${machine}`);
    for (const name of ["vitest", "playwright-core", "@20minutes/s3rver"])
      expect(folders).not.toContain(`node_modules/${name}`);
  });

  test("is listed for others to read, with nothing that npm would list left out", () => {
    const words = ["sbom", "--package-lock-only", "--omit=dev", "--sbom-format=cyclonedx"];
    const theirs = JSON.parse(
      execFileSync("npm", words, {
        cwd: projectRoot,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }),
    ) as Bill;
    const ours = new Map(bill.components.map((entry) => [entry.purl, entry]));
    expect(theirs.components.length).toBeGreaterThan(100);
    for (const { purl, hashes } of theirs.components)
      expect(ours.get(purl)?.hashes, purl).toEqual(hashes);
  });

  test("is listed with its networks, whose hashes are those that the hub insists on", () => {
    const models = bill.components.filter(({ type }) => type === "machine-learning-model");
    const known = readFileSync(path.join(projectRoot, "src/vision/inference/models.ts"), "utf8");
    expect(models.length).toBe(3);
    for (const { hashes, licenses } of models) {
      expect(known).toContain(hashes[0]?.content);
      expect(licenses).toHaveLength(1);
    }
  });

  test("is listed the same way each time, with no address and no time of day", () => {
    expect(billOfMaterials()).toBe(billText);
    expect([...billText.matchAll(/https?:\/\/([^/"]+)/g)].map(([, host]) => host)).toEqual([
      "cyclonedx.org",
    ]);
    expect(billText).not.toMatch(/\d{4}-\d\d-\d\dT|timestamp|\/(?:root|home|work|tmp)\//);
    expect(bill.serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  test("refers to nothing that is not in the list, and to nothing twice", () => {
    const refs = bill.components.map((entry) => entry["bom-ref"]);
    expect(new Set(refs).size).toBe(refs.length);
    for (const { ref, dependsOn } of bill.dependencies)
      for (const needed of dependsOn) expect(refs, `${ref} needs ${needed}`).toContain(needed);
  });
});

describe("licences", () => {
  test("are allowed, of every shipped package and network", () => {
    expect(licencesRefused()).toEqual([]);
  });

  test("that are not allowed are found, and so is none at all", async () => {
    await using folder = temporaryFolder();
    const more = {
      "node_modules/costly": { version: "1.0.0", license: "SEE LICENSE IN EULA", integrity },
      "node_modules/silent": { version: "1.0.0", integrity },
      "node_modules/for-tests": { version: "1.0.0", license: "UNLICENSED", integrity, dev: true },
    };
    expect(licencesRefused(treeWith(folder.path, more, null))).toEqual([
      "node_modules/costly: SEE LICENSE IN EULA",
      "node_modules/silent: no licence",
    ]);
  });

  test("of a network that nobody described are not made up", async () => {
    await using folder = temporaryFolder();
    const tree = treeWith(folder.path, {}, "unknown.onnx");
    expect(() => licencesRefused(tree)).toThrow("models/README.md says no licence of it");
  });

  test("that the page's own files need are in NOTICE, and it is of this tree", () => {
    const inPage = packagesOfPage().map(({ name }) => name);
    for (const name of ["svelte", "age-encryption", "typebox", "onnxruntime-web", "fflate"])
      expect(inPage).toContain(name);
    expect(inPage).not.toContain("fastify");
    const written = readFileSync(path.join(projectRoot, "NOTICE"), "utf8");
    expect(written === noticeText(), "run node scripts/licences.ts --write").toBe(true);
  });
});

describe("secrets", () => {
  test("are in no file of the tree", () => {
    const names = trackedFiles(projectRoot);
    expect(names.length).toBeGreaterThan(1_000);
    const found = names.flatMap((name) => {
      const content = tryRead(path.join(projectRoot, name));
      return content === null ? [] : secretsIn(name, content);
    });
    expect(found).toEqual([]);
  });

  // In pieces, since this file is looked through as well.
  const base64 = "q7Zt0pLx3Vb9KfYw";
  test.for([
    ["a private key", ["-----BEGIN PRIVATE ", `KEY-----\n${base64}${base64}`]],
    ["a private key", ["-----BEGIN OPENSSH PRIVATE ", `KEY-----\n${base64}`]],
    ["an age identity", ["AGE-SECRET-", "KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"]],
    ["an age identity", ["AGE-SECRET-", "KEY-PQ-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"]],
    ["an access key of a store", ["AKI", "AIOSFODNN7ABCDEFG"]],
    ["a token of a service", ["gh", "p_0123456789abcdefghijABCDEFGHIJ012345"]],
    ["a signed token", ["eyJhbGciOiJFUzI1NiJ9.", "eyJzdWIiOiJ4eXoxMjMifQ.c2lnbmF0dXJlLWJ5dGVz"]],
    ["an address with a password", ["rtsp://admin:", "opensesame@camera.lan/main"]],
    ["a value that looks random", ["pass", `word: "${base64}8hR2"`]],
  ] as const)("are found: %s", ([kind, parts]) => {
    const content = Buffer.from(`first line\n\0binary\n${parts.join("")}\n`);
    expect(secretsIn("src/some.ts", content)).toEqual([`src/some.ts:3: ${kind}`]);
  });

  test("are not seen where there is none", () => {
    const calm = [
      'password: "a-password-to-look-for"',
      "rtsp://viewer:hunter22@192.0.2.10/main",
      "https://me:word@ntfy.example/topic",
      'const KEY_FILE = "-----BEGIN PRIVATE KEY-----";',
      'token: "${DOORWARD_TOKEN}"',
    ];
    expect(secretsIn("src/some.ts", Buffer.from(calm.join("\n")))).toEqual([]);
  });
});

/** Null for what is listed and, for the moment, not there. */
function tryRead(file: string): Uint8Array | null {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
