import { ask } from "../../device/vault.ts";

export interface NamedCamera {
  readonly id: string;
  readonly name: string;
}

/** Cameras as this household calls them. */
export async function namedCameras(): Promise<readonly NamedCamera[]> {
  const { cameras } = await ask("health", null);
  return cameras.map(({ id, name }) => ({ id, name }));
}

/** By id; what the hub does not name any more keeps its id. */
export async function cameraNames(): Promise<ReadonlyMap<string, string>> {
  try {
    return new Map((await namedCameras()).map(({ id, name }) => [id, name]));
  } catch {
    // Names are a courtesy: the ids say the same.
    return new Map();
  }
}
