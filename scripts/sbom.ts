import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { shippedModels, type ShippedModel } from "./shipped/models.ts";
import { ownManifest, projectRoot, shippedPackages } from "./shipped/packages.ts";
import type { ShippedPackage } from "./shipped/packages.ts";

/**
 * What an installed hub consists of, as a CycloneDX 1.6 document: `node scripts/sbom.ts`. The same
 * tree gives the same bytes: no time of day and no address is in it, and its serial number is made
 * of its content.
 *
 * @see https://cyclonedx.org/docs/1.6/json/
 */
export function billOfMaterials(root: string = projectRoot): string {
  const manifest = ownManifest(root);
  const shipped = shippedPackages(root);
  const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  const own = `${manifest.name}@${manifest.version}`;
  const refs = new Map(shipped.map((entry) => [entry.folder, refOf(entry)]));
  const needed = names.flatMap((name) => refs.get(`node_modules/${name}`) ?? []);
  const document = {
    version: 1,
    metadata: {
      component: {
        ...{ "bom-ref": own, type: "application", name: manifest.name },
        ...{ version: manifest.version, licenses: licensesOf(manifest.license) },
      },
    },
    components: [...shipped.map(packageComponent), ...shippedModels(root).map(modelComponent)],
    dependencies: [
      { ref: own, dependsOn: needed.toSorted() },
      ...shipped.map((entry) => ({
        ref: refOf(entry),
        dependsOn: entry.needs.flatMap((folder) => refs.get(folder) ?? []),
      })),
    ],
  };
  const head = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(document))}`,
  };
  return `${JSON.stringify({ ...head, ...document }, null, 2)}\n`;
}

/** A package may be there twice, in two folders; a reference may not. */
function refOf({ folder, version }: ShippedPackage): string {
  return `${folder.replace(/^node_modules\//, "")}@${version}`;
}

function packageComponent(entry: ShippedPackage): object {
  return {
    ...{ "bom-ref": refOf(entry), type: "library", name: entry.name, version: entry.version },
    scope: entry.isOptional ? "optional" : "required",
    hashes: [{ alg: "SHA-512", content: entry.sha512 }],
    licenses: entry.license === null ? [] : licensesOf(entry.license),
    purl: `pkg:npm/${entry.name.replace("@", "%40")}@${entry.version}`,
  };
}

function modelComponent({ name, finds, license, sha256 }: ShippedModel): object {
  return {
    ...{ "bom-ref": `models/${name}`, type: "machine-learning-model", name },
    description: `Finds ${finds}`,
    scope: "required",
    hashes: [{ alg: "SHA-256", content: sha256 }],
    licenses: licensesOf(license),
  };
}

function licensesOf(license: string): object[] {
  return /[ (]/.test(license) ? [{ expression: license }] : [{ license: { id: license } }];
}

/** RFC 9562, version 8: a hash in the form of a UUID. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return [...parts, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(billOfMaterials());
