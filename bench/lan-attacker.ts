import https from "node:https";

/**
 * Asks a hub for challenges, sends log-ins and tries claim codes from one address, at a rate that it
 * keeps whatever is answered. Prints `ready`, and when it is ended what became of its attempts.
 */
const [port = "", localAddress = "", perSecond = "0"] = process.argv.slice(2);
const TICK_MS = 20;
const device = "5a".repeat(32);
const envelope = {
  payloadType: "application/vnd.doorward.login+json",
  payload: Buffer.from("{}").toString("base64"),
  signatures: [{ keyid: device, sig: Buffer.alloc(64).toString("base64") }],
};
const REQUESTS: readonly (readonly [string, unknown])[] = [
  ["/api/session/challenge", { device }],
  ["/api/session", { login: envelope }],
  ["/api/claim/test", { code: "AAAA-AAAA-AAAA", originals: "age1x", recovery: "age1x" }],
];
const agent = new https.Agent({ keepAlive: true, maxSockets: 24 });
let asked = 0;
/** With something else than that there were too many. */
let answered = 0;
let refused = 0;
/** Without a word: before the handshake, in most cases. */
let cut = 0;
let due = 0;

function ask(): void {
  const [path, body] = REQUESTS[asked % REQUESTS.length] ?? ["/", {}];
  asked += 1;
  const request = https.request(
    {
      ...{ agent, host: "127.0.0.1", port: Number(port), path, method: "POST", localAddress },
      ...{ servername: "doorward.local", rejectUnauthorized: false },
      headers: { host: `doorward.local:${port}`, "content-type": "application/json" },
    },
    (response) => {
      if (response.statusCode === 429) refused += 1;
      else answered += 1;
      response.resume();
      response.on("error", () => undefined);
    },
  );
  request.on("error", () => void (cut += 1));
  request.end(JSON.stringify(body));
}

process.once("SIGTERM", () => {
  process.stdout.write(JSON.stringify({ asked, answered, refused, cut }), () => process.exit(0));
});
process.stdout.write("ready\n");
setInterval(() => {
  for (due += (Number(perSecond) * TICK_MS) / 1_000; due >= 1; due -= 1) ask();
}, TICK_MS);
