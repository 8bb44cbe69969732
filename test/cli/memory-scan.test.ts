import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { processTree, scanProcess } from "../../src/cli/memory-scan.ts";
import { asNobody } from "../support/nobody.ts";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A process that holds what `program` makes of `inverted`, the needle with every bit flipped. */
async function holder(program: string, inverted: Buffer): Promise<number> {
  const child = spawn(
    process.execPath,
    [
      "-e",
      `const flip = (b) => { for (let i = 0; i < b.length; i++) b[i] ^= 255; return b; };
      const needle = () => flip(Buffer.from("${inverted.toString("hex")}", "hex"));
      ${program}; process.stdout.write("ready"); setInterval(() => globalThis.kept, 1000);`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  children.push(child);
  await once(child.stdout, "data");
  if (child.pid === undefined) throw new Error("the child did not start");
  return child.pid;
}

test.each([
  ["raw", "raw", "globalThis.kept = needle()"],
  ["lower-case hexadecimal", "hex", "globalThis.kept = Buffer.from(needle().toString('hex'))"],
  [
    "upper-case hexadecimal",
    "hex",
    "globalThis.kept = Buffer.from(needle().toString('hex').toUpperCase())",
  ],
  ["base64", "base64", "globalThis.kept = Buffer.from(needle().toString('base64'))"],
  [
    "base64 after one byte",
    "base64",
    "globalThis.kept = Buffer.from(Buffer.concat([Buffer.from('x'), needle(), Buffer.from('yz')]).toString('base64'))",
  ],
  [
    "base64url after two bytes",
    "base64",
    "globalThis.kept = Buffer.from(Buffer.concat([Buffer.from('xx'), needle()]).toString('base64url'))",
  ],
])("a key in memory is found: %s", async (_, spelling, program) => {
  const needle = randomBytes(32);
  const pid = await holder(program, Buffer.from(needle.map((byte) => byte ^ 0xff)));
  const scan = await scanProcess(pid, [randomBytes(32), needle]);
  expect(scan.found.some((found) => found.needle === 1 && found.spelling === spelling)).toBe(true);
  expect(scan.found.some((found) => found.needle === 0)).toBe(false);
});

test("a key is found wherever it lies, once for each copy", async () => {
  const needle = randomBytes(16);
  const inverted = Buffer.from(needle.map((byte) => byte ^ 0xff));
  // 40 MiB in one region, a copy every MiB less a bit: across the borders of what is read at once.
  const copies = 40;
  const program = `globalThis.kept = Buffer.alloc(${copies} * 1048576 + 16);
    const one = needle();
    for (let i = 0; i < ${copies}; i++) globalThis.kept.set(one, (i + 1) * 1048576 - 8);
    one.fill(0)`;
  const pid = await holder(program, inverted);
  const scan = await scanProcess(pid, [needle]);
  const addresses = scan.found.map(({ address }) => address);
  expect(new Set(addresses).size).toBe(addresses.length);
  expect(addresses.length).toBeGreaterThanOrEqual(copies);
  expect(addresses.length).toBeLessThanOrEqual(copies + 2);
});

test("a process that is gone, and one that may not be looked into, are told apart", async () => {
  const child = spawn("true");
  await once(child, "exit");
  await expect(scanProcess(child.pid ?? 0, [randomBytes(16)])).rejects.toMatchObject({
    code: "PROCESS_GONE",
  });
  await expect(processTree(child.pid ?? 0)).rejects.toMatchObject({ code: "PROCESS_GONE" });
  await expect(scanProcess(process.pid, [randomBytes(4)])).rejects.toMatchObject({
    code: "NEEDLE_SIZE",
  });
});

const canBecomeNobody =
  process.getuid?.() === 0 && spawnSync("setpriv", ["--version"]).status === 0;
test.skipIf(!canBecomeNobody)(
  "without the right to look it says so, not that nothing is there",
  () => {
    const module = new URL("../../src/cli/memory-scan.ts", import.meta.url).pathname;
    const program = `import { scanProcess } from ${JSON.stringify(module)};
    try { await scanProcess(${process.pid}, [new Uint8Array(16).fill(7)]); console.log("looked"); }
    catch (error) { console.log(error.code); }`;
    const tried = spawnSync("setpriv", [
      ...asNobody(module),
      process.execPath,
      "--input-type=module",
      "-e",
      program,
    ]);
    expect(tried.stdout.toString().trim()).toBe("MEMORY_FORBIDDEN");
  },
);

test("the tree of a process has its children and theirs, and nothing else", async () => {
  const child = spawn("sh", ["-c", "sleep 30 & sh -c 'sleep 30; true' & echo started; wait"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await once(child.stdout, "data");
  await new Promise((resolve) => setTimeout(resolve, 200));
  const tree = await processTree(child.pid ?? 0);
  expect(tree[0]).toBe(child.pid);
  expect(tree.length).toBe(4);
  expect(await processTree(process.pid)).toEqual(expect.arrayContaining(tree));
  for (const pid of tree.slice(1)) process.kill(pid, "SIGKILL");
});
