import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { metricsText } from "../../src/http/metrics-text.ts";
import { HEALTH_DEFAULT } from "../../src/settings/health.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

const NUMBER = String.raw`(?:NaN|[+-]Inf|-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)`;
const LABELS = String.raw`(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\n"])*",?)+\})?`;
const SAMPLE = new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(${LABELS}) (${NUMBER})$`);

/** Reads the format as its specification has it: HELP and TYPE once, then the samples of that name. */
function read(text: string): Map<string, number> {
  expect(text.endsWith("\n")).toBe(true);
  const samples = new Map<string, number>();
  const types = new Set<string>();
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = ""] = /^# (HELP|TYPE) (\S+) \S/.exec(line) ?? [];
    if (kind === "HELP") current = name;
    else if (kind === "TYPE") {
      expect(name).toBe(current);
      expect(types.has(name)).toBe(false);
      types.add(name);
    } else {
      const [, of, labels = "", value] = SAMPLE.exec(line) ?? [];
      expect(of, line).toBe(current);
      expect(types.has(current), line).toBe(true);
      expect(samples.has(`${of}${labels}`), line).toBe(false);
      samples.set(`${of}${labels}`, Number(value));
    }
  }
  return samples;
}

const metricsOn = {
  ...{ health: { ...HEALTH_DEFAULT, metrics: true }, name: "Villa Rosebud" },
  cameras: [{ id: "front", name: "Aunt Mary", audio: false, faces: "keep", source: "demo" }],
} as const;

const token = async (hub: TestHub) =>
  (await hub.call("POST", "/api/health/metrics-token", { as: hub.owner })).json<{ token: string }>()
    .token;
const scrape = (hub: TestHub, bearer: string) =>
  hub.call("GET", "/api/metrics", { headers: { authorization: `Bearer ${bearer}` } });

describe("figures for programs", () => {
  test("are in Prometheus' text format, with no name and no clip in them", async () => {
    await using hub = await startTestHub({ clips: 2, settings: metricsOn });
    const answer = await scrape(hub, await token(hub));
    expect([answer.statusCode, answer.headers["content-type"]]).toEqual([
      ...[200, "text/plain; version=0.0.4; charset=utf-8"],
    ]);
    const samples = read(answer.body);
    expect(samples.get("doorward_clips")).toBe(2);
    expect(samples.get('doorward_camera_up{camera="front"}')).toBe(0);
    expect(samples.get("doorward_ledger_entries")).toBe(hub.hub.services.ledger.size());
    expect(samples.get("doorward_recordings_bytes")).toBeGreaterThan(0);
    expect(samples.get("process_resident_memory_bytes")).toBeGreaterThan(1e6);
    for (const secret of ["Rosebud", "Mary", ...hub.clips, hub.owner.bundle.person])
      expect(answer.body).not.toContain(secret);
    expect(samples.size).toBeLessThan(100);
  });

  test("are shown to whoever has the newest token, and to nobody else", async () => {
    await using hub = await startTestHub({ settings: metricsOn });
    expect((await scrape(hub, "0".repeat(64))).statusCode).toBe(401);
    const first = await token(hub);
    const stored = readFileSync(path.join(hub.dataDirectory, "secrets", "metrics.json"), "utf8");
    expect(stored).not.toContain(first);
    expect((await scrape(hub, first)).statusCode).toBe(200);
    // An owner's own session is for everything else.
    expect((await scrape(hub, hub.owner.token)).statusCode).toBe(401);
    expect((await hub.call("GET", "/api/session", { headers: bearer(first) })).statusCode).toBe(
      401,
    );
    const second = await token(hub);
    expect((await scrape(hub, first)).statusCode).toBe(401);
    expect((await scrape(hub, second)).statusCode).toBe(200);
    const state = await hub.call("GET", "/api/health/metrics", { as: hub.owner });
    expect(state.json()).toEqual({ isOn: true, madeAtMs: hub.clock.nowMs });
    await hub.call("DELETE", "/api/health/metrics-token", { as: hub.owner });
    expect((await scrape(hub, second)).statusCode).toBe(401);
  });

  test("are not there unless the settings say so, whoever has a token", async () => {
    await using hub = await startTestHub();
    const answer = await scrape(hub, await token(hub));
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([404, "NOT_FOUND"]);
  });

  test("say nothing of what is not known, and keep labels and words within their lines", () => {
    const text = metricsText([
      { name: "none", type: "gauge", help: "x", samples: [{ value: null }] },
      {
        ...{ name: "odd", type: "gauge", help: "a\nb \\" },
        samples: [{ labels: { camera: 'a"b\\c\nd' }, value: Number.POSITIVE_INFINITY }],
      },
    ]);
    expect(text).toBe(
      '# HELP odd a\\nb \\\\\n# TYPE odd gauge\nodd{camera="a\\"b\\\\c\\nd"} +Inf\n',
    );
    read(text);
    const wrong = { name: "a-b", type: "gauge", help: "x", samples: [{ value: 1 }] } as const;
    expect(() => metricsText([wrong])).toThrow(/a-b/);
  });
});

function bearer(value: string): Record<string, string> {
  return { authorization: `Bearer ${value}` };
}
