import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { projectRoot } from "../support/requirements.ts";

const read = (name: string): string => readFileSync(path.join(projectRoot, name), "utf8");

interface Instruction {
  readonly name: string;
  readonly words: string;
}

/** The instructions of the last stage, and how many stages there are. */
function dockerfile(): { readonly stages: string[]; readonly last: Instruction[] } {
  const lines = read("Dockerfile")
    .replaceAll(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const all = lines.map((line) => {
    const [, name = "", words = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    return { name, words };
  });
  const begins = all.findLastIndex(({ name }) => name === "FROM");
  const stages = all.filter(({ name }) => name === "FROM").map(({ words }) => words);
  return { stages, last: all.slice(begins) };
}

describe("the image", () => {
  const { stages, last } = dockerfile();
  const of = (name: string): string[] =>
    last.filter((instruction) => instruction.name === name).map(({ words }) => words);

  test("is made in one stage and runs in another, both of Node 24 slim for every processor", () => {
    expect(stages.length).toBeGreaterThan(1);
    for (const stage of stages) {
      expect(stage).toMatch(/^node:24-[a-z]+-slim( AS [a-z]+)?$/);
      expect(stage).not.toContain("--platform");
    }
  });

  test("runs as nobody in particular, and asks whether the hub answers", () => {
    const [user = ""] = of("USER");
    expect(user).toMatch(/^[1-9]\d{3,}:[1-9]\d{3,}$/);
    expect(of("HEALTHCHECK").join(" ")).toContain('CMD ["/app/doorward", "hub", "--alive"]');
    const entry = [...of("ENTRYPOINT"), ...of("CMD")];
    expect(entry.map((words) => JSON.parse(words) as unknown)).toEqual([
      ["/app/doorward"],
      ["hub"],
    ]);
    expect(of("VOLUME")).toEqual(["/data"]);
    // What stands after USER must not be done as root, and the program not be the user's own.
    expect(last.findLastIndex(({ name }) => name === "RUN")).toBeLessThan(
      last.findIndex(({ name }) => name === "USER"),
    );
    expect(of("COPY").every((words) => !words.includes("--chown"))).toBe(true);
  });
});

test("compose runs it without rights, on a root that cannot be written to", () => {
  const { services } = parse(read("compose.yaml")) as {
    services: Record<string, Record<string, unknown>>;
  };
  expect(Object.keys(services)).toEqual(["doorward"]);
  const hub = services["doorward"] ?? {};
  expect(hub).toMatchObject({
    read_only: true,
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    user: "10001:10001",
    volumes: ["doorward-data:/data"],
    restart: "unless-stopped",
  });
  expect(hub["ulimits"]).toMatchObject({ core: 0 });
  expect(hub["memswap_limit"]).toBe(hub["mem_limit"]);
  for (const key of ["privileged", "cap_add", "devices", "pid", "ipc", "environment"])
    expect(hub).not.toHaveProperty(key);
});
