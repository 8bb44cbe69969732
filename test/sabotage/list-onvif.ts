import type { Sabotage } from "./sabotage.ts";

/** What a device that speaks ONVIF could do, if one line were another. */
export const ONVIF_SABOTAGES: readonly Sabotage[] = [
  {
    name: "the device client asks whatever host it is told",
    file: "src/camera/device-http.ts",
    find: "if (hostOfUrl(url) !== this.#host)",
    replace: "if (hostOfUrl(url) === undefined)",
    tests: ["test/camera/device-http.test.ts"],
  },
  {
    name: "the device client follows redirects by taking them for answers",
    file: "src/camera/device-http.ts",
    find: "if (status < 300 || status > 399) return;",
    replace: "if (status > 0) return;",
    tests: ["test/camera/onvif-hostile.test.ts"],
    only: "a redirect to another host is refused by name",
  },
  {
    name: "a device's XML may bring document types and entities",
    file: "src/camera/onvif/xml.ts",
    find: "if (/<!(?:DOCTYPE|ENTITY)/i.test(text))",
    replace: "if (/<!(?:NOTHING)/i.test(text))",
    tests: ["test/camera/onvif-hostile.test.ts"],
    only: "an external entity is refused by name",
  },
  {
    name: "an answer to a search counts for any host that it names",
    file: "src/camera/onvif/discovery.ts",
    find: "hostOfUrl(url) === sender.address,",
    replace: "hostOfUrl(url) !== '',",
    tests: ["test/camera/onvif-discovery.test.ts"],
    only: "a camera that answers is found, with its name",
  },
  {
    name: "a stream is taken at the host that the camera names",
    file: "src/camera/onvif/media.ts",
    find: "const whole = `rtsp://${own}${port}",
    replace: "const whole = `rtsp://${url.hostname}${port}",
    tests: ["test/camera/onvif-streams.test.ts"],
  },
  {
    name: "a still keeps what the camera wrote into it",
    file: "src/camera/onvif/still.ts",
    find: "return !(marker >= 0xe0 && marker <= 0xef) && marker !== 0xfe;",
    replace: "return marker !== 0;",
    tests: ["test/camera/onvif-streams.test.ts"],
  },
  {
    name: "a kept password goes to another host's device service",
    file: "src/settings/password.ts",
    find: "knownNames.has(hostNameOf(url ?? null))",
    replace: "(knownNames.size > 0 || hostNameOf(url ?? null) !== null)",
    tests: ["test/hub/camera-find.test.ts"],
    only: "keeps its password",
  },
];
