import { access, open, readdir } from "node:fs/promises";
import path from "node:path";
import { systemErrorCode } from "../base/files.ts";

/** What can be read of this machine in `/sys` and `/proc`; null for what is not said there. */
export interface MachineState {
  /** The warmest sensor of the processor, in degrees Celsius. */
  readonly temperatureC: number | null;
  /** Of a Raspberry Pi: whether its power supply is too weak at this moment. */
  readonly isPowerLow: boolean | null;
  /** "piped": this process's limit forbids them, and the machine asks a program and not the limit. */
  readonly coreDumps: "off" | "piped" | "on" | null;
  /** Whether a time server has set the clock since the machine began. */
  readonly isClockSet: boolean | null;
}

export const NOTHING_READ: MachineState = {
  temperatureC: null,
  isPowerLow: null,
  coreDumps: null,
  isClockSet: null,
};

const READ_MAX_BYTES = 8_192;
const SENSORS_MAX = 32;
/** What is outside of this is a sensor that is not there. */
const TEMPERATURE_C = { least: -40, most: 150 };
/** Names of sensors that are the processor's, as kernels give them. */
const OF_PROCESSOR = /cpu|soc|pkg|package|core|x86/i;

/**
 * Reads what there is to read; never throws.
 *
 * @param root - Before `/sys`, `/proc` and `/run`: for tests.
 */
export async function readMachine(root = ""): Promise<MachineState> {
  const [temperatureC, isPowerLow, coreDumps, isClockSet] = await Promise.all([
    readTemperature(`${root}/sys/class/thermal`),
    readPower(`${root}/sys/class/hwmon`),
    readCoreDumps(`${root}/proc`),
    readClockSet(root),
  ]);
  return { temperatureC, isPowerLow, coreDumps, isClockSet };
}

async function readTemperature(folder: string): Promise<number | null> {
  const zones = (await namesOf(folder)).filter((name) => /^thermal_zone[0-9]{1,3}$/.test(name));
  const found = await Promise.all(
    zones.slice(0, SENSORS_MAX).map(async (zone) => {
      const type = (await textOf(path.join(folder, zone, "type"))) ?? "";
      const said = await textOf(path.join(folder, zone, "temp"));
      const celsius = said !== null && /^-?[0-9]{1,7}$/.test(said) ? Number(said) / 1_000 : null;
      const isLikely =
        celsius !== null && celsius > TEMPERATURE_C.least && celsius < TEMPERATURE_C.most;
      return isLikely ? [{ isProcessor: OF_PROCESSOR.test(type), celsius }] : [];
    }),
  );
  const all = found.flat();
  const processors = all.filter(({ isProcessor }) => isProcessor);
  const those = processors.length > 0 ? processors : all;
  return those.length === 0 ? null : Math.max(...those.map(({ celsius }) => celsius));
}

/** The kernel's driver `rpi_volt` says whether the voltage was too low when it last looked. */
async function readPower(folder: string): Promise<boolean | null> {
  const sensors = (await namesOf(folder)).filter((name) => /^hwmon[0-9]{1,3}$/.test(name));
  for (const sensor of sensors.slice(0, SENSORS_MAX)) {
    if ((await textOf(path.join(folder, sensor, "name"))) !== "rpi_volt") continue;
    const alarm = await textOf(path.join(folder, sensor, "in0_lcrit_alarm"));
    if (alarm === "0" || alarm === "1") return alarm === "1";
  }
  return null;
}

async function readCoreDumps(folder: string): Promise<MachineState["coreDumps"]> {
  const limits = await textOf(path.join(folder, "self/limits"));
  const [, soft] = /^Max core file size +(\S+)/m.exec(limits ?? "") ?? [];
  if (soft === undefined) return null;
  const pattern = await textOf(path.join(folder, "sys/kernel/core_pattern"));
  if (soft !== "0") return "on";
  // The kernel asks no limit before it starts a program that takes them (core(5)).
  return pattern?.startsWith("|") === true ? "piped" : "off";
}

/** systemd's own time service says so by a file; another one says nothing here. */
async function readClockSet(root: string): Promise<boolean | null> {
  if (await isThere(`${root}/run/systemd/timesync/synchronized`)) return true;
  return (await isThere(`${root}/run/systemd/timesync`)) ? false : null;
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}

async function namesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemErrorCode(error) === null) throw error;
    return [];
  }
}

/** The beginning of a small file, without blanks around it; null where it cannot be read. */
export async function textOf(file: string): Promise<string | null> {
  try {
    await using handle = await open(file, "r");
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(READ_MAX_BYTES), 0);
    // A device tree ends its strings as C does.
    return buffer.subarray(0, bytesRead).toString("utf8").replaceAll("\0", "").trim();
  } catch (error) {
    if (systemErrorCode(error) === null) throw error;
    return null;
  }
}
