import { ask } from "../../device/vault.ts";
import { news } from "../../hub/news.svelte.ts";

let names = $state.raw<ReadonlyMap<string, string>>(new Map());
let askedAt = -1;

/** The name an owner gave a camera; the id in the settings until it is known, or gone. */
export function cameraName(id: string): string {
  return names.get(id) ?? id;
}

/** To be called in an effect: asks again when something about the cameras is new. */
export function followCameraNames(): void {
  const version = news.of("cameras");
  if (version === askedAt) return;
  askedAt = version;
  ask("health", null).then(
    ({ cameras }) => (names = new Map(cameras.map(({ id, name }) => [id, name]))),
    // Ids are shown instead; what is wrong with the hub is said elsewhere.
    () => undefined,
  );
}
