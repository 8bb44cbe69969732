import { describe, expect, test } from "vitest";
import { MalformedInput } from "../../src/protocol/errors.ts";
import type { EventReason } from "../../src/protocol/clip.ts";
import type { EventKind } from "../../src/protocol/ids.ts";
import { only, openStore, recordInto } from "./test-store.ts";
import { START_AT_MS } from "./test-stream.ts";
import { applySaid } from "./apply-said.ts";

const why = (kind: EventKind): EventReason => ({ kind, zone: "Path", areaShare: 0.02, score: 0.5 });
const ENDED_AT_MS = START_AT_MS + 3_000;

async function recording() {
  const opened = openStore();
  const clip = only(await recordInto(opened, 3, ["clip-closed"]));
  const name = (kind: EventKind, more: object = {}) =>
    applySaid(opened.store, { type: "clip-named", clip, why: why(kind), ...more });
  const close = () =>
    applySaid(opened.store, { type: "clip-closed", clip, endedAtMs: ENDED_AT_MS });
  return {
    ...{ ...opened, clip, name, close },
    events: () => opened.entries().flatMap((entry) => ("event" in entry ? [entry.event] : [])),
  };
}

describe("a name that comes while it is recorded", () => {
  test("is in the row at once, and in the ledger's entry at the end", async () => {
    await using recorded = await recording();
    await recorded.name("vehicle");
    await recorded.name("person");
    expect(recorded.store.get(recorded.clip)).toMatchObject({ kind: "person", why: why("person") });
    expect(recorded.events()).toEqual([]);
    await recorded.close();
    expect(recorded.events()).toEqual(["person"]);
  });

  test("never makes another thing of a bell, whatever the recorder says", async () => {
    await using recorded = await recording();
    const rang = { type: "clip-rang", clip: recorded.clip, eventAtMs: START_AT_MS + 1_000 };
    await applySaid(recorded.store, { ...rang, why: why("bell") });
    await recorded.name("person");
    expect(recorded.store.get(recorded.clip)).toMatchObject({ kind: "bell", why: why("bell") });
    await recorded.close();
    expect(recorded.events()).toEqual(["bell"]);
  });

  test("changes nothing of what is closed or unknown", async () => {
    await using recorded = await recording();
    await recorded.close();
    await expect(recorded.name("person")).rejects.toMatchObject({ code: "CLIP_ENDED" });
    expect(recorded.store.get(recorded.clip)?.kind).toBe("motion");
    const unknown = recorded.name("person", { clip: "0".repeat(32) });
    await expect(unknown).rejects.toMatchObject({ code: "CLIP_UNKNOWN" });
  });

  test("is refused with anything in it but a kind, a zone, a share and a score", async () => {
    await using recorded = await recording();
    for (const more of [
      { why: { ...why("person"), x: 0.1, y: 0.2 } },
      { crop: "AAAA" },
      { why: { ...why("person"), kind: "neighbour" } },
      { why: { ...why("person"), areaShare: 1.1 } },
      { why: { ...why("person"), zone: "x".repeat(1_000) } },
    ])
      await expect(recorded.name("person", more)).rejects.toBeInstanceOf(MalformedInput);
    expect(recorded.store.get(recorded.clip)?.kind).toBe("motion");
  });
});
