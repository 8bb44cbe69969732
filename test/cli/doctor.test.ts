import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { runCli } from "../support/live-hub.ts";
import { missingCommands, projectRoot } from "../support/requirements.ts";

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

test("doctor looks at a data folder: its disk, modes, secrets, settings and ports", async () => {
  const data = path.join(empty, "data");
  const look = async (): Promise<Map<string, Finding>> => {
    const { stdout } = await runCli(["doctor", "--data", data, "--json"], empty, {
      DOORWARD_PORT: "",
    });
    return new Map((JSON.parse(stdout) as Finding[]).map((found) => [found.what, found]));
  };
  expect((await look()).get("data folder")?.detail).toMatch(/not there yet: the hub makes it/);
  mkdirSync(path.join(data, "secrets"), { recursive: true, mode: 0o700 });
  writeFileSync(path.join(data, "secrets", "ledger.json"), "{}", { mode: 0o644 });
  await using server = createServer();
  const port = await new Promise<number>((resolve) =>
    server.listen({ host: "127.0.0.1", port: 0 }, () =>
      resolve((server.address() as AddressInfo).port),
    ),
  );
  writeFileSync(path.join(data, "doorward.yaml"), `listen: { port: ${port}, lan: false }\n`);
  const found = await look();
  expect(found.get("secrets")).toMatchObject({ isGood: false });
  expect(found.get("secrets")?.detail).toMatch(/chmod go= .*ledger\.json/);
  expect(found.get(`port ${port}`)?.detail).toMatch(/taken.*listen\.port/);
  expect(found.get("settings")).toMatchObject({ isGood: true });
  expect(found.get("room for recordings")?.detail).toMatch(/GB free/);
  writeFileSync(path.join(data, "doorward.yaml"), "listen: { prot: 1 }\n");
  expect((await look()).get("settings")).toMatchObject({ isGood: false });
});

test.skipIf(missingCommands("systemd-socket-activate", "perl", "ffmpeg"))(
  "doctor tries the wall of the hub that is installed, and not that of its own shell",
  async () => {
    const folder = path.join(empty, "installed");
    const socket = path.join(folder, "decoder.sock");
    mkdirSync(folder);
    // What systemd would say of the unit, with the socket of this test in it.
    const said = `LoadState=loaded\nEnvironment=NODE_ENV=production DOORWARD_DECODER=${socket}`;
    const systemctl = `#!/bin/sh\n[ "$2" = doorward.service ] && echo '${said}'\n`;
    writeFileSync(path.join(folder, "systemctl"), systemctl, { mode: 0o755 });
    const search = { PATH: `${folder}:${process.env["PATH"]}` };
    const look = async (): Promise<Finding | undefined> => {
      const { stdout } = await runCli(["doctor", "--json"], empty, search);
      return (JSON.parse(stdout) as Finding[]).find(({ what }) => what === "sandbox for decoders");
    };
    const without = await look();
    expect(without).toMatchObject({ isGood: false });
    expect(without?.detail).toMatch(/gives no decoder .*doorward-decoder\.socket/);
    const launcher = path.join(projectRoot, "src/base/decoder-launcher.pl");
    const words = ["--accept", "--inetd", "-l", socket, "/usr/bin/perl", launcher];
    const server = spawn("systemd-socket-activate", words, { stdio: "ignore" });
    try {
      while (!existsSync(socket)) await sleep(20);
      const found = await look();
      expect(found).toMatchObject({ isGood: true });
      expect(found?.detail).toMatch(/a unit of the system .*of doorward\.service/);
    } finally {
      server.kill();
    }
  },
);

test("doctor takes no other arguments: exit 2", async () => {
  expect((await runCli(["doctor", "--fix"])).code).toBe(2);
});
