/** In the place of the probe: a processor that lacks what the runtime needs ends a process like this. */
process.kill(process.pid, "SIGILL");
setInterval(() => undefined, 1_000);
