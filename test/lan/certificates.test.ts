import { statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { openAuthority } from "../../src/lan/authority.ts";
import { LanCertificates } from "../../src/lan/lan-certificates.ts";
import { temporaryFolder } from "../support/temporary.ts";

test("the owner's certificate is shown for its name, read anew when it changes, and kept when that is wrong", async () => {
  await using folder = temporaryFolder();
  const at = (name: string): string => path.join(folder.path, name);
  const nowMs = () => Date.now();
  const made = await openAuthority({ directory: at("other"), name: "door.example.org", nowMs });
  const { certPem, keyPem } = await made.leaf();
  const own = { chain: at("chain.pem"), key: at("key.pem") };
  let writes = 0;
  const write = (chain: string, key: string): void => {
    writeFileSync(own.chain, chain);
    writeFileSync(own.key, key);
    writes += 1;
    // However coarse the file system's clock is.
    const seconds = statSync(own.chain).mtimeMs / 1_000 + writes;
    for (const file of [own.chain, own.key]) utimesSync(file, seconds, seconds);
  };
  write(certPem, keyPem);
  const certificates = new LanCertificates({
    ...{ directory: at("own"), nowMs, isClockBelieved: () => true },
  });
  const names = ["doorward.local", "door.example.org"];
  await certificates.show(names, own);
  const first = certificates.shown("door.example.org");
  expect([first?.kind, certificates.shown("doorward.local")?.kind]).toEqual(["own", "household"]);
  expect(certificates.trouble).toBeNull();

  for (const [chain, key] of [
    ["no certificate", keyPem],
    [certPem, "no key"],
    [
      certPem,
      (await (await openAuthority({ directory: at("x"), name: "x.local", nowMs })).leaf()).keyPem,
    ],
  ] as const) {
    write(chain, key);
    await certificates.show(names, own);
    expect(certificates.shown("door.example.org")?.context).toBe(first?.context);
    expect(certificates.trouble).toMatch(/cannot be used.*the one before it is shown/);
  }
  write(certPem, keyPem);
  await certificates.show(names, own);
  expect(certificates.trouble).toBeNull();
  expect(certificates.shown("door.example.org")?.context).not.toBe(first?.context);
  // A name that is not shown any more has nothing to show.
  await certificates.show(["door.example.org"], own);
  expect(certificates.shown("doorward.local")).toBeNull();
});
