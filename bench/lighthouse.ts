import os from "node:os";
import path from "node:path";
import { mkdtemp, rm } from "node:fs/promises";
import lighthouse, { desktopConfig } from "lighthouse";
import { chromium } from "playwright-core";
import { CHROMIUM } from "../test/support/page.ts";
import { builtPage } from "../test/support/page-build.ts";
import { putDevice } from "../test/support/page-device.ts";
import { startTestHub } from "../test/support/test-hub.ts";
import type { Figure } from "./figure.ts";

const CATEGORIES = ["performance", "accessibility", "best-practices"] as const;
const RUNS = 3;
const SCREENS = ["live", "events", "requests", "ledger", "house"];

/** What Lighthouse says of each screen, as a phone with a slow processor and as a computer. */
export async function lighthouseFigures(): Promise<readonly Figure[]> {
  await using hub = await startTestHub({
    ...{ nowMs: "system", footage: "real", clips: 3 },
    pageDirectory: builtPage(),
  });
  const port = 20_000 + (process.pid % 20_000);
  const profile = await mkdtemp(path.join(os.tmpdir(), "doorward-lighthouse-"));
  // A profile of its own, and not a private window: Lighthouse opens tabs of its own in it.
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: [
      `--remote-debugging-port=${port}`,
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    ],
  });
  try {
    const url = `http://localhost:${new URL(hub.hub.url).port}`;
    const page = await context.newPage();
    await page.goto(`${url}/door.svg`);
    await putDevice(page, hub.owner.bundle);
    const figures: Figure[] = [];
    for (const screen of SCREENS)
      for (const form of ["mobile", "desktop"] as const)
        figures.push(...(await medians(`${url}/#/${screen}`, { screen, form, port })));
    return figures;
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
}

interface Judged {
  readonly screen: string;
  readonly form: "mobile" | "desktop";
  readonly port: number;
}

/** One run differs from the next by ten points where the machine does anything else. */
async function medians(url: string, judged: Judged): Promise<Figure[]> {
  const runs: Figure[][] = [];
  for (let run = 0; run < RUNS; run += 1) runs.push(await judge(url, judged));
  return CATEGORIES.flatMap((_category, at) => {
    const sorted = runs.flatMap((run) => run[at] ?? []).toSorted((a, b) => a.value - b.value);
    const [lowest, middle] = [sorted[0], sorted[(RUNS - 1) / 2]];
    if (!lowest || !middle) return [];
    const context = `${middle.context}; median of ${RUNS}, lowest ${lowest.value}`;
    return [{ ...middle, context }];
  });
}

async function judge(url: string, { screen, form, port }: Judged): Promise<Figure[]> {
  const result = await lighthouse(
    url,
    {
      ...{ port, output: "json", logLevel: "error", onlyCategories: [...CATEGORIES] },
      // The device's keys are the browser's storage.
      disableStorageReset: true,
    },
    form === "desktop" ? desktopConfig : undefined,
  );
  if (!result) throw new Error("Lighthouse gave no result");
  const { categories, audits } = result.lhr;
  return CATEGORIES.map((name) => ({
    name: `page.lighthouse.${form}.${name.replace("-", "_")}`,
    value: Math.round((categories[name]?.score ?? 0) * 100),
    unit: "of 100",
    context: `${screen}; below 1: ${
      (categories[name]?.auditRefs ?? [])
        .filter(({ id, weight }) => weight > 0 && (audits[id]?.score ?? 1) < 0.9)
        .map(({ id }) => `${id} ${audits[id]?.displayValue ?? ""}`.trim())
        .join(", ") || "nothing"
    }`,
  }));
}
