const CAMERA = /^[a-z][a-z0-9-]{0,31}$/;

/** The camera where somebody rings, of a message of the news socket; null for every other message. */
export function ringOf(data: unknown): string | null {
  if (typeof data !== "string" || data.length > 1_000) return null;
  try {
    const { type, camera } = JSON.parse(data) as { type?: unknown; camera?: unknown };
    return type === "bells" && typeof camera === "string" && CAMERA.test(camera) ? camera : null;
  } catch {
    return null;
  }
}
