import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Figure } from "./figure.ts";

interface Measurement {
  readonly file: string;
  readonly run: string;
}

// Loaded only when asked for: a group must not need what only another group needs.
const GROUPS: Readonly<Record<string, readonly Measurement[]>> = {
  camera: [
    { file: "./camera-transport.ts", run: "cameraFigures" },
    { file: "./camera-pipeline.ts", run: "pipelineFigures" },
    { file: "./camera-recovery.ts", run: "recoveryFigures" },
    { file: "./bell.ts", run: "bellFigures" },
    { file: "./motion.ts", run: "motionFigures" },
    { file: "./motion.ts", run: "motionSceneFigures" },
    { file: "./wake.ts", run: "wakeFigures" },
    { file: "./transcode.ts", run: "transcodeFigures" },
  ],
  vision: [
    { file: "./objects.ts", run: "objectFigures" },
    { file: "./vision-stills.ts", run: "stillFigures" },
    { file: "./vision-faces.ts", run: "faceFigures" },
    { file: "./vision-judge.ts", run: "judgeFigures" },
    { file: "./blur-process.ts", run: "blurFigures" },
  ],
  consent: [
    { file: "./ledger.ts", run: "ledgerFigures" },
    { file: "./consent.ts", run: "consentFigures" },
  ],
  page: [
    { file: "./decide-page.ts", run: "decidePageFigures" },
    { file: "./page-size.ts", run: "pageSizeFigures" },
    { file: "./lighthouse.ts", run: "lighthouseFigures" },
    { file: "./live.ts", run: "liveFigures" },
    { file: "./live-page.ts", run: "livePageFigures" },
    { file: "./timeline.ts", run: "timelineFigures" },
    { file: "./play.ts", run: "playFigures" },
    { file: "./redact.ts", run: "redactFigures" },
  ],
  notices: [{ file: "./notices.ts", run: "noticeFigures" }],
  lan: [{ file: "./lan.ts", run: "lanFigures" }],
  store: [{ file: "./seal.ts", run: "sealFigures" }],
};

process.exitCode = await main(process.argv.slice(2));

/** Prints one JSON line a figure; what is said to people goes to standard error. */
async function main([group, ...rest]: string[]): Promise<number> {
  const names = Object.keys(GROUPS);
  if (rest.length > 0 || (group !== undefined && !Object.hasOwn(GROUPS, group))) {
    console.error(`Usage: npm run bench [-- ${names.join(" | ")}]`);
    return 2;
  }
  const chosen = group === undefined ? names : [group];
  let failures = 0;
  for (const measurement of chosen.flatMap((name) => GROUPS[name] ?? [])) {
    try {
      for (const figure of await measure(measurement)) console.log(JSON.stringify(figure));
    } catch (error) {
      console.error(`Cannot measure ${measurement.run}:`, error);
      failures += 1;
    }
  }
  return failures === 0 ? 0 : 1;
}

async function measure({ file, run }: Measurement): Promise<readonly Figure[]> {
  const url = new URL(file, import.meta.url);
  if (!existsSync(fileURLToPath(url))) {
    console.error(`Nothing to measure yet: there is no bench/${file.slice(2)}`);
    return [];
  }
  const module = (await import(url.href)) as Record<string, () => Promise<readonly Figure[]>>;
  const measurement = module[run];
  if (measurement === undefined) throw new Error(`${file} does not export ${run}`);
  return await measurement();
}
