import { writeSync } from "node:fs";

const { GIVEN, HOME } = process.env;
writeSync(4, "footage");
process.send?.({
  pid: process.pid,
  given: GIVEN,
  // Whoever starts this has one.
  secret: HOME ?? null,
  execArgv: process.execArgv,
});
setInterval(() => undefined, 60_000);
