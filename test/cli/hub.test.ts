import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runCli, runCommand, startLiveHub } from "../support/live-hub.ts";
import { projectRoot } from "../support/requirements.ts";

const root = mkdtempSync(path.join(os.tmpdir(), "doorward-hub-cli-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const newFolder = (): string => path.join(root, String(folders++));

describe("doorward hub", () => {
  test("with --json prints exactly one line, is 0700, and stops on SIGTERM with exit 0", async () => {
    await using hub = await startLiveHub();
    expect(hub.ready.cameras).toEqual([{ id: "demo", name: "Demo door" }]);
    expect(statSync(hub.dataDirectory).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(hub.dataDirectory, "secrets")).mode & 0o777).toBe(0o700);
    expect((await fetch(`${hub.url}/api/hub`)).status).toBe(200);
    const tree = await hub.tree();
    expect(await hub.stop()).toBe(0);
    expect(hub.output().trim().split("\n")).toHaveLength(1);
    expect(hub.log()).toContain("stopping on SIGTERM");
    await hub.waitFor("the end of its processes", () =>
      tree.some((pid) => isThere(pid)) ? null : true,
    );
  });

  test("is of one version: to the command line, to who asks it, to its health, in package.json", async () => {
    const manifest = await readFile(path.join(projectRoot, "package.json"), "utf8");
    const { version } = JSON.parse(manifest) as { version: string };
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    const said = await runCommand([path.join(projectRoot, "doorward"), "--version"]);
    expect(said).toEqual({ code: 0, stdout: `doorward ${version}\n`, stderr: "" });
    await using hub = await startLiveHub();
    const info = await fetch(`${hub.url}/api/hub`);
    expect(await info.json()).toMatchObject({ version });
    await hub.claim();
    expect(await hub.health()).toMatchObject({ version });
  });

  test("refuses to share a data folder with another hub, which goes on: exit 3", async () => {
    await using hub = await startLiveHub();
    const second = await runCli(["hub", "--data", hub.dataDirectory, "--port", "0", "--json"]);
    expect(second).toMatchObject({ code: 3, stdout: "" });
    expect(second.stderr).toContain("another hub is at work");
    expect((await fetch(`${hub.url}/api/hub`)).status).toBe(200);
    // After a kill there is nothing to clean up first.
    await hub.kill9();
    await hub.restart();
    expect((await fetch(`${hub.url}/api/hub`)).status).toBe(200);
  });

  test("says which port is taken and what to do: exit 3", async () => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as net.AddressInfo;
    try {
      const refused = await runCli([
        "hub",
        "--data",
        newFolder(),
        "--port",
        String(port),
        "--json",
      ]);
      expect(refused).toMatchObject({ code: 3, stdout: "" });
      expect(refused.stderr).toContain(`Cannot listen on port ${port}`);
      expect(refused.stderr).toContain("DOORWARD_PORT");
    } finally {
      server.close();
    }
  });

  test("takes folder and port from the environment, and the command line before it", async () => {
    const folder = newFolder();
    const environment = { DOORWARD_DATA: folder, DOORWARD_PORT: "not-a-port" };
    const refused = await runCli(["hub", "--json"], root, environment);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("DOORWARD_PORT");
    // It had got as far as the settings of that folder.
    expect(await readFile(path.join(folder, "doorward.yaml"), "utf8")).toContain("cameras:");
  });

  test.each([
    [["hub", "--prot", "1"]],
    [["hub", "extra"]],
    [["hub", "--port", "70000"]],
    [["hub", "--port", "eighty"]],
    [["hub", "--settings", "/nowhere/doorward.yaml"]],
  ])("%j is wrong use: exit 2, nothing printed for scripts", async (args) => {
    const result = await runCli([...args, "--data", newFolder()]);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).not.toBe("");
    expect(result.stderr).not.toContain("    at ");
  });

  test("wrong settings are refused with file and line before anything was made: exit 2", async () => {
    const folder = newFolder();
    const file = `${folder}.yaml`;
    writeFileSync(file, "name: Home\nlisten: { port: 0, name: 192.168.1.5 }\n");
    const result = await runCli(["hub", "--data", folder, "--settings", file, "--json"]);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(new RegExp(`^${file}:2: listen\\.name: expected a name`));
    for (const name of ["doorward.db", "clips", "secrets", "hub.json"])
      expect(() => statSync(path.join(folder, name)), name).toThrow("ENOENT");
  });

  test("a damaged database is named, without a stack of calls: exit 3", async () => {
    const folder = newFolder();
    mkdirSync(folder);
    writeFileSync(
      path.join(folder, "doorward.db"),
      "this is no database, but it is long enough to be one",
    );
    const result = await runCli(["hub", "--data", folder, "--port", "0"]);
    expect(result).toMatchObject({ code: 3, stdout: "" });
    expect(result.stderr).toMatch(/^Cannot start: .*database/);
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
  });

  test("a data folder that cannot be is named, without a stack of calls: exit 3", async () => {
    const file = newFolder();
    writeFileSync(file, "");
    const result = await runCli(["hub", "--data", path.join(file, "data"), "--port", "0"]);
    expect(result).toMatchObject({ code: 3, stdout: "" });
    expect(result.stderr).toMatch(new RegExp(`^Cannot start: .*${file}`));
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("doorward", () => {
  test("without a command prints how it is used: exit 2; asked for help: exit 0", async () => {
    const bare = await runCli([]);
    expect(bare.code).toBe(2);
    for (const command of ["hub", "owner claim", "export", "verify", "check", "attack", "doctor"])
      expect(bare.stdout).toContain(`doorward ${command} `);
    expect((await runCli(["--help"])).code).toBe(0);
  });

  test.each([[["fly"]], [["owner"]], [["owner", "fly"]], [["owner", "hub"]]])(
    "%j is no command: exit 2",
    async (args) => {
      const result = await runCli(args);
      expect(result).toMatchObject({ code: 2, stdout: "" });
      expect(result.stderr).toContain("There is no command");
      expect(result.stderr).toContain("./doorward help");
      expect(/ one of: .*claim, .*approve, /.test(result.stderr)).toBe(args[0] === "owner");
      // What is wrong stays in sight.
      expect(result.stderr.split("\n").length).toBeLessThan(5);
    },
  );

  test.each([
    [["owner", "clips"]],
    [["owner", "open", "--keys", "k", "--out", "o"]],
    [["check"]],
    [["verify"]],
    [["export", "--out", "x"]],
    [["owner", "claim", "--hub", "nowhere", "--code", "x", "--keys", "k"]],
  ])("%j lacks something: exit 2, with the command's usage", async (args) => {
    const result = await runCli(args, root);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain("Usage: doorward ");
  });

  test.each([
    [["owner", "clips", "--keys", "no-such-folder"]],
    [["check", "--data", "no-such-folder"]],
    [["attack", "--data", "no-such-folder"]],
    [["owner", "claim", "--hub", "http://localhost:1", "--code", "x", "--keys", "k"]],
  ])("%j finds nothing there: exit 3", async (args) => {
    const result = await runCli(args, root);
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(/^Cannot /);
    expect(result.stderr).not.toContain("    at ");
  });
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
