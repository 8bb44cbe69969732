import type { FromTalk, ToTalk } from "../../src/talk/messages.ts";

// Instead of a talk process: its camera takes whatever is said, until it is told to end.

process.on("message", ({ type }: ToTalk) => {
  const opened: FromTalk = { type: "opened", law: "PCMU", stream: 0 };
  if (type === "open") process.send?.(opened);
  if (type === "end") process.disconnect();
});
