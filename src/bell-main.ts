import type { FromBells, ToBells } from "./bell-messages.ts";

/** The bell process: listens to what doorbells and the broker say. It ends when the hub does. */
function send(message: FromBells): void {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}

process.on("message", (message: ToBells) => {
  if (message.type === "stop") process.exit(0);
});
process.on("disconnect", () => process.exit(0));
send({ type: "ready" });
