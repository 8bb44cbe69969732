/** In the environment of whatever runs networks: the runtime reports nothing to anybody. */
export const SILENCE = { name: "ORT_DISABLE_TELEMETRY", value: "1" } as const;
