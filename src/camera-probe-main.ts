import { CameraError } from "./camera/camera-error.ts";
import { discover } from "./camera/onvif/discovery.ts";
import { OnvifDevice } from "./camera/onvif/device.ts";
import { putMasksInCamera, readMasksInCamera } from "./camera/onvif/masks.ts";
import { probeDevice } from "./camera/onvif/probe.ts";
import type { FromProbe, ProbeTask } from "./probe/camera-probe.ts";
import { sayable } from "./base/sayable.ts";

/**
 * Searches for cameras, or asks one what it is, says what came of it, and ends. It parses what they
 * answer and keeps nothing.
 */
function tell(message: FromProbe, andThen?: () => void): void {
  if (andThen) process.send?.(message, andThen);
  else process.send?.(message);
}

async function work(task: ProbeTask): Promise<FromProbe> {
  try {
    if (task.type === "find")
      return { type: "found", answer: await discover({ waitMs: task.waitMs }) };
    if (task.type === "masks") return { type: "masks", answer: await askMasks(task) };
    const { address, username, password } = task;
    const credentials =
      username === null && password === null
        ? null
        : { username: username ?? "", password: password ?? "", allowBasic: false };
    const answer = await probeDevice({
      address,
      credentials,
      onConnect: (place) => tell({ type: "connects", ...place }),
    });
    return { type: "probed", answer };
  } catch (error) {
    if (!(error instanceof CameraError)) throw error;
    return { type: "failed", code: error.code, message: sayable(error.message) };
  }
}

async function askMasks(
  task: Extract<ProbeTask, { type: "masks" }>,
): Promise<Extract<FromProbe, { type: "masks" }>["answer"]> {
  const { address, credentials, masks, before } = task;
  const device = await OnvifDevice.open({ address, credentials });
  const { isHidden, why } =
    before === null
      ? await readMasksInCamera(device, masks)
      : await putMasksInCamera(device, { masks, before });
  return { isHidden, why: why === null ? null : sayable(why) };
}

process.once("message", (task: ProbeTask) => {
  void work(task).then((message) => tell(message, () => process.exit(0)));
});
process.on("disconnect", () => process.exit(0));
