import path from "node:path";
import { BellTokens } from "../bells/tokens.ts";
import { Bells, type BellsOptions } from "./bells.ts";
import type { HubSettings } from "./settings.ts";
import { mqttSecretsFile, readMqttSecrets } from "../settings/bells.ts";
import { readSettingsText } from "../settings/file.ts";

/**
 * The bells of a hub, not listened to yet. User and password of the broker are read once, at start.
 *
 * @throws SettingsError for what is wrong in the broker's secrets.
 */
export async function openBells(
  options: Omit<BellsOptions, "cameras" | "broker" | "tokens"> & {
    readonly dataDirectory: string;
    readonly settings: HubSettings;
  },
): Promise<Bells> {
  const { dataDirectory, settings } = options;
  const file = mqttSecretsFile(dataDirectory);
  const secrets = readMqttSecrets(file, await readSettingsText(file));
  return new Bells({
    ...options,
    cameras: () => settings.current.cameras,
    broker: () => {
      const { mqtt } = settings.current;
      return mqtt ? { url: mqtt.url, ...secrets } : null;
    },
    tokens: await BellTokens.open(path.join(dataDirectory, "secrets")),
  });
}
