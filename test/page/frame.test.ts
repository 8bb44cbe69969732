import { describe, expect, test } from "vitest";
import { CHROMIUM_COMMANDS, expectAccessible, startPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);
/** As browsers do whose person blocks what sites keep. */
const STORAGE_BLOCKED = `for (const area of ["localStorage", "sessionStorage"])
  Object.defineProperty(globalThis, area, {
    get: () => { throw new DOMException("blocked", "SecurityError"); },
  });`;
const MENU = ["Live", "Events", "Requests", "Ledger", "House"];

describe.skipIf(isMissing)("the frame around every screen", () => {
  test("a device with keys logs itself in; the menu leads to every screen, and says where one is", async () => {
    await using home = await startPage({ hub: { clips: 1 } });
    const { page } = home;
    const menu = page.getByRole("navigation", { name: "Menu" });
    await expect.poll(() => menu.getByRole("link").allInnerTexts()).toEqual(MENU);
    for (const name of MENU) {
      await menu.getByRole("link", { name }).click();
      await expect.poll(() => menu.locator('[aria-current="page"]').innerText()).toBe(name);
      // Where a screen reader goes on: the heading of what was just opened.
      await expect.poll(() => page.evaluate("document.activeElement?.tagName")).toBe("H1");
    }
    home.expectClean();
  });

  test("everything in the frame is reached and used by the keyboard", async () => {
    await using home = await startPage({ at: "#/nowhere" });
    const { page } = home;
    await page.getByRole("heading", { name: "There is no such screen." }).waitFor();
    // From the very top, where a reload would have left it.
    await page.evaluate("document.activeElement.blur()");
    const reached: unknown[] = [];
    for (let step = 0; step < MENU.length + 1; step += 1) {
      await page.keyboard.press("Tab");
      reached.push(await page.evaluate("document.activeElement.textContent.trim()"));
      expect(await page.evaluate(OUTLINE_WIDTH), `outline of ${String(reached.at(-1))}`).not.toBe(
        "0px",
      );
    }
    expect(reached).toEqual(["Skip to the content", ...MENU]);
    await page.keyboard.press("Enter");
    await expect.poll(() => page.evaluate("location.hash")).toBe("#/house");
    home.expectClean();
  });

  test("a browser that is told to keep nothing shows the page all the same", async () => {
    await using home = await startPage({ at: "#/nowhere" });
    const { page } = home;
    await page.addInitScript(STORAGE_BLOCKED);
    await page.reload();
    const heading = page.getByRole("heading", { name: "There is no such screen." });
    await heading.waitFor();
    expect(await heading.isVisible()).toBe(true);
    home.expectClean();
  });

  test("the skip link leads past the menu", async () => {
    await using home = await startPage({ at: "#/nowhere" });
    const { page } = home;
    await page.getByRole("heading", { name: "There is no such screen." }).waitFor();
    await page.getByRole("link", { name: "Skip to the content" }).focus();
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("content");
    expect(await page.evaluate("location.hash")).toBe("#/nowhere");
  });

  test("a viewer is shown nothing that a viewer may not do", async () => {
    await using home = await startPage({ device: "viewer", at: "#/nowhere" });
    const menu = home.page.getByRole("navigation", { name: "Menu" });
    await expect.poll(() => menu.getByRole("link").allInnerTexts()).not.toEqual([]);
    expect(await menu.getByRole("link").allInnerTexts()).not.toContain("Requests");
    home.expectClean();
  });

  test.each([
    ["en", "phone", "light"],
    ["fr", "phone", "dark"],
    ["fr", "desktop", "light"],
    ["en", "desktop", "dark"],
  ] as const)(
    "in %s on a %s, %s: the right language, nothing for axe, nothing outside",
    async (...of) => {
      const [language, viewport, scheme] = of;
      await using home = await startPage({ language, viewport, scheme, at: "#/nowhere" });
      const heading = language === "fr" ? "Cette page n’existe pas." : "There is no such screen.";
      await home.page.getByRole("heading", { name: heading }).waitFor();
      expect(await home.page.evaluate("document.documentElement.lang")).toBe(language);
      await expectAccessible(home.page);
      const overflow =
        "document.documentElement.scrollWidth - document.documentElement.clientWidth";
      expect(await home.page.evaluate(overflow)).toBeLessThanOrEqual(0);
      home.expectClean();
    },
  );

  test("axe runs and finds what is wrong, so that its silence means something", async () => {
    await using home = await startPage({ at: "#/nowhere" });
    await home.page.getByRole("heading", { name: "There is no such screen." }).waitFor();
    await home.page.evaluate(
      "document.querySelector('main').append(document.createElement('button'))",
    );
    await expect(expectAccessible(home.page)).rejects.toThrow("button-name");
  });
});

const OUTLINE_WIDTH = "getComputedStyle(document.activeElement).outlineWidth";

describe.skipIf(isMissing)("the page's policy in a real browser", () => {
  test("no script but the page's own runs, no markup is made of text, nothing else is asked", async () => {
    await using home = await startPage();
    const { page } = home;
    await page.getByRole("navigation", { name: "Menu" }).waitFor();
    home.expectClean();
    expect(await page.evaluate(`(${TRY_THE_POLICY})()`)).toEqual({
      inline: false,
      markup: "TypeError",
      elsewhere: "TypeError",
      frame: "blocked",
    });
    // The test's own check of the page has seen each of them.
    const text = home.problems.join("\n");
    expect(text).toContain("TrustedScript");
    expect(text).toContain("connect-src");
    expect(text).toContain("TrustedHTML");
  });

  test("the check for other origins sees one", async () => {
    await using home = await startPage();
    await home.page.getByRole("navigation", { name: "Menu" }).waitFor();
    await home.page.goto(home.url.replace("localhost", "127.0.0.1"));
    expect(home.problems.some((problem) => problem.startsWith("request to http://127."))).toBe(
      true,
    );
  });
});

/** Runs in the browser, where these tests have no types. */
const TRY_THE_POLICY = `async () => {
  const nameOf = (error) => error.name;
  const inline = document.createElement("script");
  inline.append(document.createTextNode("globalThis.hasRun = true"));
  try { document.head.append(inline); } catch {}
  let markup = "taken";
  try { document.createElement("div").innerHTML = "<b>bold</b>"; } catch (error) { markup = nameOf(error); }
  const elsewhere = await fetch("http://127.0.0.1:9/").then(() => "answered", nameOf);
  const frame = document.createElement("iframe");
  const blocked = new Promise((resolve) => {
    addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
      if (effectiveDirective === "frame-src") resolve("blocked");
    });
    setTimeout(() => resolve("shown"), 3000);
  });
  frame.src = "/door.svg";
  document.body.append(frame);
  return { inline: globalThis.hasRun === true, markup, elsewhere, frame: await blocked };
}`;
