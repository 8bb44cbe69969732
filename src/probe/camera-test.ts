import { fileURLToPath } from "node:url";
import { forkWithoutCore } from "../base/fork.ts";
import { whenGone } from "../base/forked-end.ts";
import { CameraTestAnswer, type CameraTestBody } from "../protocol/api-settings.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { hostOf } from "../settings/edit.ts";
import type { CameraSettings } from "../settings/cameras.ts";

/** What the trial's process is told, once. */
export interface CameraTrial {
  readonly url: string;
  readonly username: string | null;
  readonly password: string | null;
}

const ENTRY = fileURLToPath(new URL("../camera-test-main.ts", import.meta.url));
/** It ends itself after ten seconds; a process that hangs is ended. */
const KILL_AFTER_MS = 13_000;

/**
 * Tries a camera in a process of its own, which inherits nothing of the hub's and is gone afterwards:
 * the hub's process parses no byte of a camera (invariant 12).
 *
 * @param signal - Ends the process and with it its connection at once.
 * @returns what came of it; a camera that gives no picture is an answer, not an error.
 * @throws HubError CAMERA_TEST_STOPPED when it was ended by the signal.
 */
export async function testCamera(
  trial: CameraTrial,
  signal?: AbortSignal,
): Promise<CameraTestAnswer> {
  if (signal?.aborted) throw stopped();
  const child = forkWithoutCore(ENTRY, {
    env: {},
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const end = (): void => void child.kill("SIGKILL");
  const timer = setTimeout(end, KILL_AFTER_MS);
  signal?.addEventListener("abort", end, { once: true });
  const gone = whenGone(child);
  const message = new Promise<unknown>((resolve) => child.once("message", resolve));
  try {
    // Over its pipe, not in its arguments: those show in the list of processes.
    if (child.connected) child.send(trial, () => undefined);
    const said = await Promise.race([message, gone.then(() => null)]);
    if (signal?.aborted) throw stopped();
    if (said === null)
      throw new HubError("CAMERA_TEST_FAILED", "Cannot try camera: its process ended");
    return checkShape(CameraTestAnswer, said, "result of the trial");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    end();
    await gone;
  }
}

function stopped(): HubError {
  return new HubError("CAMERA_TEST_STOPPED", "Cannot try camera: it was stopped");
}

/**
 * What a camera that is being changed is tried with, where the trial brings nothing else. Its
 * password goes only to the hosts that it was given for, as when it is saved.
 *
 * @throws MalformedInput when the address names another host.
 */
export function keptForTrial(
  cameras: readonly CameraSettings[],
  trial: {
    readonly body: CameraTestBody;
    /** As split from what was typed. */
    readonly url: string;
    readonly password: string | null;
  },
): { readonly username: string | null; readonly password: string | null } {
  const { body, url, password } = trial;
  const known = cameras.find(({ id }) => id === body.camera);
  if (known?.source !== "rtsp") return { username: null, password: null };
  const { username } = known;
  if (body.password !== undefined || password !== null || known.password === null)
    return { username, password: null };
  if (![known.main, known.sub].map(hostOf).includes(hostOf(url)))
    throw new MalformedInput(
      "password",
      "Cannot try camera: the address names another host, so the password is needed again",
    );
  return { username, password: known.password };
}
