import { describe, expect, test } from "vitest";
import { readSettingsFrom, type Settings } from "../../src/settings/settings.ts";

function read(text: string, environment: NodeJS.ProcessEnv = {}): Settings {
  return readSettingsFrom({
    ...{ file: "doorward.yaml", text, environment },
    ...{ secrets: new Map(), facesUnsaid: "keep" },
  });
}

describe("the local network", () => {
  test("is open until the claim where nothing is said, with ports and name of their own", () => {
    expect(read("name: x\n").lan).toEqual({
      ...{ isOpen: null, name: null, port: 8443, certificatePort: 8088 },
      ...{ certificate: null, proxy: null },
    });
  });

  test("may be said whole", () => {
    const text = [
      "listen:",
      "  lan: true",
      "  name: door.example.org",
      "  lanPort: 443",
      "  certificatePort: 80",
      "  certificate: { chain: /etc/door/chain.pem, key: /etc/door/key.pem }",
      "  proxy: https://away.example.org/",
      "  proxyFrom: [192.168.1.5, 'fd00::5']",
    ].join("\n");
    expect(read(text).lan).toEqual({
      ...{ isOpen: true, name: "door.example.org", port: 443, certificatePort: 80 },
      certificate: { chain: "/etc/door/chain.pem", key: "/etc/door/key.pem" },
      proxy: { origin: "https://away.example.org", from: ["192.168.1.5", "fd00::5"] },
    });
  });

  test("with DOORWARD_PORT=0 has ports of the system's choice, too", () => {
    const { lan } = read("name: x\n", { DOORWARD_PORT: "0" });
    expect(lan).toMatchObject({ port: 0, certificatePort: 0 });
  });
});

describe("what is wrong in it names file, line, and what was expected", () => {
  const cases: [string, string, string][] = [
    [
      "the local network as a word",
      "listen:\n  port: 8080\n  lan: yes please\n",
      "3: listen.lan: expected true or false",
    ],
    ...["192.168.1.5", "doorward", "Doorward.local", "a.b.local", "localhost", "x..org"].map(
      (name): [string, string, string] => [
        `the name ${name}`,
        `listen:\n  name: ${name}\n`,
        "2: listen.name: expected a name as doorward.local",
      ],
    ),
    [
      "one port for two listeners",
      "listen:\n  port: 8080\n  lanPort: 8080\n",
      "3: listen.lanPort: 8080 is also listen.port: expected a port of its own",
    ],
    [
      "a certificate without its key",
      "listen:\n  certificate: { chain: /etc/door.pem }\n",
      "2: listen.certificate: key is missing",
    ],
    [
      "a certificate by half a path",
      "listen:\n  certificate: { chain: door.pem, key: /etc/door.key }\n",
      "2: listen.certificate.chain: expected the whole path of a file",
    ],
    ...["http://door.example.org", "https://door.example.org/x", "https://192.0.2.1", "door"].map(
      (proxy): [string, string, string] => [
        `the proxy ${proxy}`,
        `listen:\n  proxy: ${proxy}\n`,
        "2: listen.proxy: expected an address as https://door.example.org, with no path",
      ],
    ),
    [
      "a proxy's address that is a name",
      "listen:\n  proxy: https://door.example.org\n  proxyFrom: [proxy]\n",
      "3: listen.proxyFrom: expected IP addresses",
    ],
    [
      "addresses of no proxy",
      "listen:\n  proxyFrom: [127.0.0.1]\n",
      "2: listen.proxyFrom: there is no listen.proxy",
    ],
  ];
  test.each(cases)("%s", (_, text, expected) => {
    expect(() => read(text)).toThrow(`doorward.yaml:${expected}`);
  });
});
