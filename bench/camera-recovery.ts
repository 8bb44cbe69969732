import { setTimeout } from "node:timers/promises";
import { systemClock } from "../src/base/clock.ts";
import { CameraStream } from "../src/camera/stream.ts";
import { parseCameraId } from "../src/protocol/ids.ts";
import { scaledCopy, noisyFullHd, startRtspServer } from "../test/support/rtsp-server.ts";
import { percentile } from "../test/support/percentile.ts";
import type { Figure } from "./figure.ts";

const USER = { username: "bench", password: "bench" };
const CUTS = 6;
const CUT_MS = 3_000;
const WAIT_MS = 60_000;

/** How long a camera that was cut off takes to be recorded again, once it can be reached. */
export async function recoveryFigures(): Promise<Figure[]> {
  await using server = await startRtspServer({ ...USER, media: scaledCopy(noisyFullHd()) });
  let lastFragmentMs = 0;
  await using _stream = CameraStream.start({
    camera: parseCameraId("front"),
    role: "main",
    source: { kind: "rtsp", url: server.mainUrl, ...USER, audio: false },
    clock: systemClock,
    onFragment: () => void (lastFragmentMs = performance.now()),
    onStatus: () => undefined,
  });
  const fragmentAfter = async (sinceMs: number): Promise<number> => {
    while (lastFragmentMs <= sinceMs) {
      if (performance.now() - sinceMs > WAIT_MS) throw new Error("The camera did not come back");
      await setTimeout(5);
    }
    return lastFragmentMs - sinceMs;
  };
  await fragmentAfter(performance.now());
  const backMs: number[] = [];
  const thawedMs: number[] = [];
  for (let cut = 0; cut < CUTS; cut += 1) {
    await server.cut();
    await setTimeout(CUT_MS);
    await server.restore();
    backMs.push(await fragmentAfter(performance.now()));
    // The camera is there, but says nothing for longer than the watchdog waits.
    await setTimeout(1_000);
    server.freeze();
    await setTimeout(8_000);
    server.thaw();
    thawedMs.push(await fragmentAfter(performance.now()));
  }
  return [
    figure("camera.recovery_ms.cut", backMs, `its server was gone for ${CUT_MS / 1000} s`),
    figure("camera.recovery_ms.frozen", thawedMs, "it hung for 8 s, longer than the watchdog"),
  ];
}

function figure(name: string, values: readonly number[], what: string): Figure {
  return {
    name,
    value: Math.round(percentile(values, 0.5)),
    unit: "ms",
    context:
      `median of ${values.length}, longest ${Math.round(percentile(values, 1))} ms, from the ` +
      `moment at which the camera can be reached again to the next fragment; ${what}`,
  };
}

if (import.meta.main) for (const one of await recoveryFigures()) console.log(JSON.stringify(one));
