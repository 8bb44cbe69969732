/** A probe that never answers. */
process.on("message", () => undefined);
setInterval(() => undefined, 60_000);
