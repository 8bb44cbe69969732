import { writeSync } from "node:fs";

const { GIVEN } = process.env;
writeSync(4, "footage");
process.send?.({
  pid: process.pid,
  given: GIVEN,
  // Nothing of whoever starts this, and nothing of a shell on the way.
  names: Object.keys(process.env).toSorted(),
  execArgv: process.execArgv,
});
setInterval(() => undefined, 60_000);
