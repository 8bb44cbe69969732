/** What is to be written into the settings file where nothing is set. It is taken as it stands, and no line is too long for a phone. */

const BROKER_LINES = "mqtt:\n  url: mqtt://192.0.2.5:1883\n";

export function homeAssistantYaml(hasBroker: boolean): string {
  return `${hasBroker ? "" : BROKER_LINES}homeAssistant:\n  discovery: true\n`;
}

export const WEBHOOKS_YAML = `webhooks:
  - url: http://192.0.2.5/hook
    events:
      - bell
      - motion
      - privacy
      - camera-away
`;
