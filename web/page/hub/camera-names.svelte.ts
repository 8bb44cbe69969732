import { ask } from "../device/vault.ts";
import { news } from "./news.svelte.ts";

export interface NamedCamera {
  readonly id: string;
  readonly name: string;
}

/** Gone with the first camera of the house; what it recorded is not. */
const DEMO: NamedCamera = { id: "demo", name: "Demo door" };

let names = $state.raw<ReadonlyMap<string, string>>(new Map());
let askedAt = -1;

/** Cameras as this household calls them. */
export async function namedCameras(): Promise<readonly NamedCamera[]> {
  const { cameras } = await ask("health", null);
  return cameras.map(({ id, name }) => ({ id, name }));
}

/** By id; what the hub does not name any more keeps its id. */
export async function cameraNames(): Promise<ReadonlyMap<string, string>> {
  try {
    return new Map([DEMO, ...(await namedCameras())].map(({ id, name }) => [id, name]));
  } catch {
    // Names are a courtesy: the ids say the same, and what is wrong with the hub is said elsewhere.
    return new Map();
  }
}

/** The name an owner gave a camera; the id in the settings until it is known, or gone. */
export function cameraName(id: string): string {
  return names.get(id) ?? id;
}

/** To be called in an effect: asks again when something about the cameras is new. */
export function followCameraNames(): void {
  const version = news.of("cameras");
  if (version === askedAt) return;
  askedAt = version;
  void cameraNames().then((known) => {
    if (known.size > 0) names = known;
  });
}
