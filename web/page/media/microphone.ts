import { workerUrl } from "../device/worker-url.ts";
import type { MicrophoneFrame } from "./microphone-frame.ts";
import workletAddress from "./talk-worklet.ts?worker&url";

/**
 * Why there is no microphone:
 * - `denied`: the person, the browser or the system said no;
 * - `missing`: there is none, or another program has it;
 * - `insecure`: browsers give it to pages over HTTPS or on localhost only.
 */
export type MicrophoneTrouble = "denied" | "missing" | "insecure";

export class MicrophoneError extends Error {
  readonly trouble: MicrophoneTrouble;

  constructor(trouble: MicrophoneTrouble, options?: ErrorOptions) {
    super(`no microphone: ${trouble}`, options);
    this.trouble = trouble;
  }
}

export interface Microphone {
  /** Lets it go: the browser's own sign that it listens goes out. */
  close(): void;
}

/**
 * Opens the microphone; to be called from a tap, and only for as long as somebody wants to be heard.
 *
 * @param onFrame - For every 20 ms.
 * @param onLost - It was unplugged, or taken away.
 * @throws MicrophoneError.
 */
export async function openMicrophone(
  onFrame: (frame: MicrophoneFrame) => void,
  onLost: () => void,
): Promise<Microphone> {
  // Left out by browsers where the page came over plain HTTP from another machine.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices || !globalThis.isSecureContext) throw new MicrophoneError("insecure");
  // Made while the tap still counts; some browsers keep it silent otherwise.
  const context = new AudioContext();
  let stream: MediaStream | null = null;
  const close = (): void => {
    stream?.getTracks().forEach((track) => track.stop());
    void context.close().catch(() => undefined);
  };
  try {
    stream = await devices.getUserMedia({
      audio: {
        channelCount: 1,
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
      },
    });
    await context.audioWorklet.addModule(workerUrl(workletAddress));
    const frames = new AudioWorkletNode(context, "microphone-frames", {
      ...{ numberOfInputs: 1, numberOfOutputs: 0 },
      ...{ channelCount: 1, channelCountMode: "explicit", channelInterpretation: "speakers" },
    });
    frames.port.addEventListener("message", ({ data }: MessageEvent<MicrophoneFrame>) =>
      onFrame(data),
    );
    frames.port.start();
    context.createMediaStreamSource(stream).connect(frames);
    await context.resume();
    stream.getAudioTracks()[0]?.addEventListener("ended", onLost);
    return { close };
  } catch (cause) {
    close();
    const isDenied = cause instanceof DOMException && cause.name === "NotAllowedError";
    throw new MicrophoneError(isDenied ? "denied" : "missing", { cause });
  }
}
