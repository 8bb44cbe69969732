import { describe, expect, test } from "vitest";
import { CLOCK_JUMPED } from "../../src/hub/health-keeper.ts";
import { TROUBLE_CODES } from "../../src/hub/trouble-watch.ts";
import { noticeText, readNotice } from "../../web/service-worker/notice-text.ts";
import { english } from "../../web/service-worker/notice-words.en.ts";
import { french } from "../../web/service-worker/notice-words.fr.ts";

// What a notification says, from what a hub answers.

const ID = "0123456789abcdef".repeat(2);
const REQUEST = "fedcba9876543210".repeat(2);
const ANSWER = {
  ...{ id: ID, kind: "bell", atMs: Date.UTC(2026, 10, 22, 13, 5), camera: "front" },
  ...{ cameraName: "Front door", zone: null, class: "bell", clip: null, request: null },
  ...{ code: null, digest: null },
};
const KINDS = ["bell", "motion", "digest", "request", "house", "trouble", "test"] as const;

function say(answer: unknown, language = "en"): ReturnType<typeof noticeText> {
  return noticeText(ID, readNotice(answer), language);
}

describe("a notification", () => {
  test("says who rings where, in both languages", () => {
    expect(say(ANSWER).title).toBe("Somebody rings at Front door");
    expect(say(ANSWER, "fr").title).toBe("On sonne\u00a0: Front door");
    expect(say({ ...ANSWER, cameraName: null }).title).toBe("Somebody rings");
    const motion = { ...ANSWER, kind: "motion", class: "person", zone: "Path" };
    expect(say(motion).title).toBe("A person at Front door, Path");
    const digest = {
      ...{ ...ANSWER, kind: "digest", cameraName: null },
      digest: { sinceMs: ANSWER.atMs, places: [{ count: 3 }, { count: 2 }] },
    };
    expect(say(digest).title).toMatch(/^5 movements since \d\d:\d\d/);
  });

  test("names a trouble, and says of one that is over that it is", () => {
    const trouble = { ...ANSWER, kind: "trouble", code: "CAMERA_AWAY" };
    expect(say(trouble)).toMatchObject({
      title: "No pictures at Front door",
      body: "Open to see.",
    });
    expect(say({ ...trouble, code: "CAMERA_AWAY_OVER" })).toMatchObject({
      title: "Over: No pictures at Front door",
      body: "This is over. Open to see how the hub does.",
    });
    expect(say({ ...trouble, code: "CAMERA_AWAY_OVER" }, "fr")).toMatchObject({
      title: "Terminé\u00a0: Pas d’images\u00a0: Front door",
      body: "C’est terminé. Ouvrez pour voir comment va la centrale.",
    });
    const ofHub = { ...trouble, cameraName: null };
    expect(say({ ...ofHub, code: "DISK_FULL_OVER" }).title).toBe("Over: The hub’s disk is full");
    for (const code of [null, "toString", "NEW_ONE"])
      expect(say({ ...ofHub, code }).title).toBe(english.trouble);
    expect(say({ ...ofHub, code: "NEW_ONE_OVER" }).title).toBe(english.troubleOver);
    expect(say({ ...ofHub, code: "NEW_ONE_OVER" }, "fr").title).toBe(french.troubleOver);
  });

  test("has words for every trouble that owners are told of, and for no other", () => {
    const wanted = [...TROUBLE_CODES, CLOCK_JUMPED].toSorted();
    for (const { troubles } of [english, french])
      expect(Object.keys(troubles).toSorted()).toEqual(wanted);
  });

  test("has a button to refuse a request, and none to approve anything", () => {
    for (const kind of KINDS)
      for (const language of ["en", "fr"]) {
        const { actions, refuses, opens } = say({ ...ANSWER, kind, request: REQUEST }, language);
        expect(actions.map(({ action }) => action)).toEqual(kind === "request" ? ["refuse"] : []);
        expect(refuses).toBe(kind === "request" ? `/#/request/${REQUEST}?refuse` : null);
        expect(opens).toBe(`/#/notice/${ID}`);
      }
    expect(say({ ...ANSWER, kind: "request", request: "../../x" }).actions).toEqual([]);
  });

  test("is neutral where the hub cannot be asked, or answers with anything else", () => {
    const neutral = noticeText(ID, null, "en");
    expect(neutral).toMatchObject({ ...english.neutral, actions: [] });
    for (const answer of [
      null,
      1,
      "x",
      [],
      {},
      { kind: 1 },
      { kind: "bell" },
      { ...ANSWER, atMs: 9e15 },
    ])
      expect(say(answer)).toEqual(neutral);
    expect(say({ ...ANSWER, kind: "approve" })).toEqual(neutral);
    expect(say({ ...ANSWER, kind: "__proto__" })).toEqual(neutral);
    const odd = { ...ANSWER, kind: "motion", class: "constructor", cameraName: "x".repeat(9_999) };
    expect(say(odd).title).toBe(`Movement at ${"x".repeat(80)}`);
    const places = [null, 1, { count: "9" }, { count: 2 }];
    expect(say({ ...ANSWER, kind: "digest", digest: { sinceMs: 0, places } }).title).toMatch(/^2 /);
  });

  test("has the same neutral words that stand in every push", async () => {
    const { pushPayload } = await import("../../src/notify/push-payload.ts");
    for (const [lang, words] of [
      ["en", english],
      ["fr", french],
    ] as const)
      expect(JSON.parse(pushPayload(ID, "http://localhost", lang))).toMatchObject({
        notification: words.neutral,
      });
  });
});
