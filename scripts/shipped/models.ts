import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { projectRoot } from "./packages.ts";

/** A network's weights in `models/`, with the licence that the table in its README gives it. */
export interface ShippedModel {
  /** File name. */
  readonly name: string;
  /** What the README says it finds. */
  readonly finds: string;
  /** SPDX identifier. */
  readonly license: string;
  /** Hexadecimal, of the file. */
  readonly sha256: string;
}

/** @throws Error for a file in `models/` of which its README says no licence. */
export function shippedModels(root: string = projectRoot): ShippedModel[] {
  const folder = path.join(root, "models");
  const rows = readFileSync(path.join(folder, "README.md"), "utf8").split("\n");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".onnx"))
    .toSorted()
    .map((name) => {
      const row = rows.find((line) => line.startsWith(`| \`${name}\` |`));
      const cells = row?.split("|").map((cell) => cell.trim());
      const license = /^[A-Za-z0-9.-]+/.exec(cells?.[4] ?? "")?.[0];
      if (license === undefined)
        throw new Error(`Cannot list models/${name}: models/README.md says no licence of it`);
      const bytes = readFileSync(path.join(folder, name));
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return { name, finds: cells?.[2] ?? "", license, sha256 };
    });
}
