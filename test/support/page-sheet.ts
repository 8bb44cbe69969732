import type { Page } from "playwright-core";
import { expect } from "vitest";

/** Holds a button by the space bar until it has acted. */
export async function hold(page: Page, name: string | RegExp): Promise<void> {
  const button = page.getByRole("button", { name });
  await button.focus();
  await page.keyboard.down(" ");
  // Held until it acts: the bar is full after a while, and then the button is disabled or gone.
  const isDone = async (): Promise<boolean> =>
    (await button.count()) === 0 || (await button.isDisabled({ timeout: 1_000 }).catch(() => true));
  await expect.poll(isDone).toBe(true);
  await page.keyboard.up(" ");
}

/** The words of a sheet or a part, put in by pasting them into the first field of `fields`. */
export async function typeSheet(page: Page, text: string, field = 0): Promise<void> {
  const words = [...text.matchAll(/\d{1,2} +([a-z]{3,8})/g)].map(([, word]) => word ?? "");
  const inputs = page.getByRole("textbox", { name: /^Word 1\b/ });
  await inputs.nth(field).focus();
  // As text: what runs in the page knows the DOM, and this program does not.
  await page.evaluate(`{
    const data = new DataTransfer();
    data.setData("text/plain", ${JSON.stringify(words.join(" "))});
    document.activeElement.dispatchEvent(
      new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }),
    );
  }`);
}
