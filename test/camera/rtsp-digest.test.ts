import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  authorization,
  chooseChallenge,
  parseChallenges,
  requireChallenge,
} from "../../src/camera/rtsp-digest.ts";

const CREDENTIALS = { username: "Mufasa", password: "Circle of Life", allowBasic: false };
const CLIENT_NONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
const REQUEST = { method: "GET", uri: "/dir/index.html" };

function digestHeader(algorithm: string): string {
  return [
    'Digest realm="http-auth@example.org", qop="auth, auth-int"',
    `algorithm=${algorithm}`,
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"',
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
  ].join(", ");
}

describe("showing the password to a camera", () => {
  test.each([
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
  ])("the example of RFC 7616 section 3.9.1 holds for %s", (algorithm, response) => {
    const challenge = requireChallenge(parseChallenges([digestHeader(algorithm)]), false);
    const header = authorization({ challenge, nonceCount: 0 }, CREDENTIALS, REQUEST, CLIENT_NONCE);
    expect(header).toContain(`response="${response}"`);
    expect(header).toContain("nc=00000001");
    expect(header).not.toContain("Circle");
  });

  test("of several challenges, in one header or in many, the strongest is taken", () => {
    const basic = 'Basic realm="camera"';
    const headers = [[digestHeader("MD5"), digestHeader("SHA-256"), basic]];
    headers.push([`${digestHeader("SHA-256")}, ${digestHeader("MD5")}, ${basic}`]);
    for (const values of headers) {
      const challenges = parseChallenges(values);
      expect(challenges).toHaveLength(3);
      expect(chooseChallenge(challenges, true)).toMatchObject({ algorithm: "SHA-256" });
    }
  });

  test("a camera that takes only basic is refused unless that was allowed", () => {
    const challenges = parseChallenges(['Basic realm="camera"']);
    expect(() => requireChallenge(challenges, false)).toThrow(
      expect.objectContaining({ code: "BASIC_REFUSED" }),
    );
    const challenge = requireChallenge(challenges, true);
    expect(authorization({ challenge, nonceCount: 0 }, CREDENTIALS, REQUEST)).toBe(
      `Basic ${Buffer.from("Mufasa:Circle of Life").toString("base64")}`,
    );
  });

  test("a nonce is counted, and stale ones are recognised", () => {
    const [challenge] = parseChallenges(['Digest realm="r", nonce="n", qop=auth, stale=TRUE']);
    if (challenge === undefined) throw new Error("no challenge");
    expect(challenge).toMatchObject({ stale: true, qopAuth: true });
    const inUse = { challenge, nonceCount: 0 };
    authorization(inUse, CREDENTIALS, REQUEST);
    expect(authorization(inUse, CREDENTIALS, REQUEST)).toContain("nc=00000002");
  });

  test("unknown schemes and algorithms are passed over", () => {
    expect(
      parseChallenges(["Negotiate", 'Digest realm="r", nonce="n", algorithm=SHA-999']),
    ).toEqual([]);
    expect(() => requireChallenge([], true)).toThrow(
      expect.objectContaining({ code: "PROTOCOL_ERROR" }),
    );
  });

  test("any header is read without failing, and no answer has a line end in it", () => {
    const anyHeader = fc.string({ unit: "binary-ascii", maxLength: 300 });
    fc.assert(
      fc.property(fc.array(anyHeader, { maxLength: 4 }), (values) => {
        const oneLine = values.map((value) => value.replaceAll(/[\r\n]/g, ""));
        for (const challenge of parseChallenges([...oneLine, digestHeader("MD5")])) {
          const header = authorization({ challenge, nonceCount: 0 }, CREDENTIALS, REQUEST);
          expect(header).not.toMatch(/[\r\n]/);
        }
      }),
    );
  });
});
