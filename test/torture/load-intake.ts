import http from "node:http";

/**
 * Posts the body that comes on standard input to an intake, so many times in all, as fast as it is
 * answered. Prints how often each status came.
 */
const [url = "", count = "0"] = process.argv.slice(2);
const AT_ONCE = 16;
let body = "";
for await (const part of process.stdin) body += String(part);
const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
const statuses: Record<string, number> = {};
let left = Number(count);

async function post(): Promise<string> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    const request = http.request(url, { method: "POST", agent, headers }, (answer) => {
      answer.resume().on("close", () => resolve(String(answer.statusCode)));
    });
    request.on("error", () => resolve("cut"));
    request.end(body);
  });
}

async function work(): Promise<void> {
  while (left > 0) {
    left -= 1;
    const status = await post();
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, work));
process.stdout.write(`${JSON.stringify(statuses)}\n`);
process.exit(0);
