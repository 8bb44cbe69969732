/** End of the buffered range that covers a time, or null. */
export function endOfRange(ranges: TimeRanges | undefined, seconds: number): number | null {
  for (let index = 0; ranges && index < ranges.length; index += 1)
    if (ranges.start(index) <= seconds && seconds < ranges.end(index)) return ranges.end(index);
  return null;
}

/** Waits until a source buffer has taken what `work` gave it. */
export async function done(buffer: SourceBuffer, work: () => void): Promise<void> {
  if (buffer.updating) await settled(buffer);
  const finished = settled(buffer);
  work();
  await finished;
}

function settled(buffer: SourceBuffer): Promise<void> {
  return new Promise((resolve, reject) => {
    buffer.addEventListener("updateend", () => resolve(), { once: true });
    buffer.addEventListener("error", () => reject(new Error("it cannot be played")), {
      once: true,
    });
  });
}
