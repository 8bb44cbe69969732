import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readMachine } from "../../src/hub/health-machine.ts";
import { temporaryFolder } from "../support/temporary.ts";

const LIMITS =
  "Limit  Soft Limit  Hard Limit  Units\nMax core file size        0    unlimited   bytes\n";

/** A machine whose `/sys`, `/proc` and `/run` hold these files. */
function machine(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.join(folder.path, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(folder.path, name), text);
  }
  return folder.path;
}

test("a Pi says how warm it is, that its supply is too weak, and that its clock is set", async () => {
  const root = machine({
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "61234\n",
    "sys/class/thermal/thermal_zone1/type": "battery\n",
    "sys/class/thermal/thermal_zone1/temp": "75000\n",
    "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
    "sys/class/hwmon/hwmon0/in0_lcrit_alarm": "0\n",
    "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
    "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n",
    "proc/self/limits": LIMITS,
    "proc/sys/kernel/core_pattern": "core\n",
    "run/systemd/timesync/synchronized": "",
  });
  expect(await readMachine(root)).toEqual({
    ...{ temperatureC: 61.234, isPowerLow: true, coreDumps: "off", isClockSet: true },
  });
});

test("a machine that says nothing is not said to be well", async () => {
  expect(await readMachine(machine({}))).toEqual({
    ...{ temperatureC: null, isPowerLow: null, coreDumps: null, isClockSet: null },
  });
});

test("sensors that are not there, or say no number, count as none", async () => {
  for (const temp of ["-273150", "255000", "warm", "", "1".repeat(9_000)]) {
    const root = machine({
      "sys/class/thermal/thermal_zone0/type": "cpu",
      "sys/class/thermal/thermal_zone0/temp": temp,
      "sys/class/thermal/cooling_device0/temp": "50000",
    });
    expect((await readMachine(root)).temperatureC, temp.slice(0, 10)).toBeNull();
  }
});

test("core dumps are on where the limit lets them, and piped where a program takes them", async () => {
  const of = async (limit: string, pattern: string) =>
    (
      await readMachine(
        machine({
          "proc/self/limits": LIMITS.replace(" 0 ", ` ${limit} `),
          "proc/sys/kernel/core_pattern": pattern,
        }),
      )
    ).coreDumps;
  expect(await of("unlimited", "core")).toBe("on");
  expect(await of("unlimited", "|/usr/lib/systemd/systemd-coredump %P")).toBe("on");
  expect(await of("0", "|/usr/lib/systemd/systemd-coredump %P")).toBe("piped");
  expect(await of("0", "core")).toBe("off");
});
