import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { coreDumps } from "../../src/base/core-dumps.ts";
import { until, type TortureGroup, type TortureResult, type TortureRun } from "./frame.ts";
import { processesBelow, startHubProcess, type HubProcess } from "./hub-process.ts";

/** What a process was started with, as everybody on the machine, or its own user, may read it. */
async function startOf(pid: number): Promise<{ arguments_: string; environment: string }> {
  const read = async (name: string): Promise<string> =>
    readFile(`/proc/${pid}/${name}`, "latin1").catch(() => "");
  return { arguments_: await read("cmdline"), environment: await read("environ") };
}

/** Answers to what is malformed, unknown, forbidden and too large. */
async function wrongAnswers(hub: HubProcess, secret: string): Promise<string> {
  const calls: [string, RequestInit][] = [
    ["/api/clips", { headers: { authorization: `Bearer ${"0".repeat(64)}` } }],
    [
      "/api/session",
      { method: "POST", body: "{", headers: { "content-type": "application/json" } },
    ],
    ["/api/claim", { method: "POST", body: "{}", headers: { "content-type": "application/json" } }],
    [`/api/nothing?token=${"0".repeat(64)}`, {}],
    ["/api/settings", {}],
    ["/%00", {}],
    [`/api/clips/${"x".repeat(5_000)}`, {}],
    ["/api/claim/test", { method: "POST", body: `{"code":"${secret}"}` }],
  ];
  const answers = [];
  for (const [address, init] of calls) {
    const answer = await fetch(hub.url + address, {
      ...init,
      headers: { origin: hub.url, ...(init.headers as Record<string, string>) },
    });
    answers.push(`${answer.status} ${await answer.text()}`);
  }
  return answers.join("\n");
}

/** PEM and hexadecimal secrets of the hub, by what their files hold. */
async function secretsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const texts = await Promise.all(
    names
      .filter((each) => each.isFile())
      .map(({ parentPath, name }) => readFile(path.join(parentPath, name), "latin1")),
  );
  return texts.flatMap((text) =>
    // Certificates are public.
    text
      .replaceAll(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g, "")
      .split(/[\s"']+/)
      .filter((word) => /^[A-Za-z0-9+/=_-]{24,}$/.test(word) && !/^-+|-+$/.test(word)),
  );
}

/** A real hub with two passwords of cameras, one from a file and one from its environment. */
export async function lookForSecrets({
  directory,
  say,
  signal,
}: Pick<TortureRun, "directory" | "say" | "signal">): Promise<TortureResult[]> {
  const [filed, given] = [
    `file-${randomBytes(12).toString("hex")}`,
    randomBytes(12).toString("hex"),
  ];
  const dataDirectory = path.join(directory, "secrets-hub");
  await mkdir(path.join(dataDirectory, "secrets"), { recursive: true, mode: 0o700 });
  const camera = (id: string) =>
    `  - id: ${id}\n    name: ${id}\n    source: rtsp\n    main: rtsp://127.0.0.1:9/${id}\n    faces: keep\n`;
  await writeFile(
    path.join(dataDirectory, "doorward.yaml"),
    `cameras:\n${camera("front")}${camera("back")}listen:\n  lan: false\n`,
  );
  await writeFile(
    path.join(dataDirectory, "secrets/cameras.yaml"),
    `front:\n  user: doorward\n  password: "${filed}"\n`,
    { mode: 0o600 },
  );
  say("a hub is started with passwords of two cameras");
  await using hub = await startHubProcess(dataDirectory, {
    environment: { DOORWARD_CAMERA_BACK_USER: "doorward", DOORWARD_CAMERA_BACK_PASSWORD: given },
    signal,
  });
  await until("the hub's processes", () => processesBelow(hub.pid).length >= 2, { signal });
  const pids = processesBelow(hub.pid);
  const secrets = [filed, given, ...(await secretsIn(path.join(dataDirectory, "secrets")))];
  const holding = (text: string): number => secrets.filter((each) => text.includes(each)).length;
  const starts = await Promise.all(pids.map(startOf));
  const answers = await wrongAnswers(hub, given);
  const dumping = pids.filter((pid) => {
    const { isLimited, isEmpty } = coreDumps(pid);
    return !isLimited || !isEmpty;
  });
  const result = (name: string, found: number, of: string): TortureResult => ({
    ...{ name: `secrets.${name}`, holds: found === 0 },
    detail: `${found} of ${secrets.length} secrets in ${of}`,
  });
  return [
    result("arguments", holding(starts.map((each) => each.arguments_).join("\n")), "arguments"),
    // The hub's own environment is where one of them was given.
    result(
      "environment",
      holding(
        starts
          .slice(1)
          .map((each) => each.environment)
          .join("\n"),
      ),
      `the environments of ${pids.length - 1} processes that the hub started`,
    ),
    result("answers", holding(answers), "what is answered to wrong calls"),
    result("log", holding(hub.said()), "what the hub wrote to its outputs"),
    {
      name: "secrets.cores",
      holds: dumping.length === 0,
      detail: `${dumping.length} of ${pids.length} processes may leave memory in a core`,
    },
  ];
}

export const group: TortureGroup = {
  name: "secrets",
  promise: "No secret is in arguments, environments, answers or logs, and no crash writes memory.",
  needs: ["prlimit"],
  run: lookForSecrets,
};
