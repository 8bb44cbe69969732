import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { runCli } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";

const empty = mkdtempSync(path.join(os.tmpdir(), "doorward-doctor-"));
afterAll(() => rmSync(empty, { recursive: true, force: true }));

interface Finding {
  readonly what: string;
  readonly isGood: boolean;
  readonly detail: string;
}

test.skipIf(missingCommands("ffmpeg", "bwrap"))(
  "doctor says of each thing the hub needs whether this machine has it",
  async () => {
    const { code, stdout } = await runCli(["doctor", "--json"]);
    const findings = JSON.parse(stdout) as Finding[];
    const good = new Map(findings.map(({ what, isGood }) => [what, isGood]));
    for (const what of ["Node", "ffmpeg", "sandbox for decoders"])
      expect(good.get(what), what).toBe(true);
    for (const { detail } of findings) expect(detail).not.toBe("");
    expect(code).toBe([...good.values()].every(Boolean) ? 0 : 3);
    const printed = await runCli(["doctor"]);
    expect(printed.code).toBe(code);
    expect(printed.stdout).toMatch(/^good +Node: v24\./m);
  },
);

test("doctor names what is missing and what to do about it: exit 3", async () => {
  const { code, stdout } = await runCli(["doctor"], empty, { PATH: empty });
  expect(code).toBe(3);
  expect(stdout).toMatch(/^LACKING +ffmpeg: .*apt-get install ffmpeg/m);
  expect(stdout).toMatch(/^LACKING +sandbox for decoders: .*apt-get install bubblewrap/m);
  expect(stdout).toMatch(/^good +Node: /m);
});

test("doctor takes no other arguments: exit 2", async () => {
  expect((await runCli(["doctor", "--fix"])).code).toBe(2);
});
