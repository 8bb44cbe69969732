import { BellListeners } from "./bells/listeners.ts";
import type { FromBells, ToBells } from "./bells/messages.ts";

/** The bell process: listens to what doorbells and the broker say. It ends when the hub does. */
function send(message: FromBells): void {
  // After the hub is gone there is nobody to tell, and `disconnect` ends this process.
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}

const STOP_AFTER_MS = 3_000;
const listeners = new BellListeners(send);

async function stop(): Promise<void> {
  setTimeout(() => process.exit(0), STOP_AFTER_MS).unref();
  await listeners.stop();
  process.exit(0);
}

process.on("message", (message: ToBells) => {
  switch (message.type) {
    case "configure":
      listeners.configure(message);
      return;
    case "teach":
      listeners.teach(message);
      return;
    case "publish":
      void listeners.publish(message);
      return;
    case "stop":
      void stop();
  }
});
process.on("disconnect", () => void stop());
process.on("SIGINT", () => {
  // A terminal sends it to the whole group; the hub says when to stop.
});
process.on("SIGTERM", () => void stop());
send({ type: "ready" });
