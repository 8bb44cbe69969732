import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firstClip } from "../support/test-hub.ts";
import { startPage, type TestPage } from "../support/page.ts";

/**
 * Another page in the owner's own browser, with his session in it: from a neighbouring port, which
 * is the same site and gets his cookies, and from a foreign name that was made to point here.
 */
const REBOUND = "rebound.example";
let own: TestPage;
let neighbour: Server;
let neighbourUrl: string;

beforeAll(async () => {
  neighbour = createServer((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>A neighbour</title><body></body>");
  });
  await new Promise<void>((resolve) => neighbour.listen(0, "127.0.0.1", resolve));
  neighbourUrl = `http://localhost:${(neighbour.address() as AddressInfo).port}`;
  own = await startPage({
    hub: { clips: 1 },
    switches: [`--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`],
  });
  await own.page.getByRole("navigation").waitFor();
});
afterAll(async () => {
  await own[Symbol.asyncDispose]();
  neighbour.close();
});

/**
 * Runs in a page of another origin, in the same browser, with the same cookies.
 *
 * @param attack - A function of the hub's address, as text: these tests have no types of a browser.
 */
async function fromElsewhere<Result>(url: string, attack: string): Promise<Result> {
  const page = await own.context.newPage();
  try {
    await page.goto(url);
    return await page.evaluate<Result>(`(${attack})(${JSON.stringify(own.url)})`);
  } finally {
    await page.close();
  }
}

function stateOfHub(): { kinds: string[]; state: string | undefined; sessions: number } {
  const { clips, sessions } = own.hub.hub.services;
  return {
    kinds: own.hub.ledgerKinds(),
    state: clips.get(firstClip(own.hub))?.state,
    sessions: sessions.list().length,
  };
}

describe("a page of a neighbouring port", () => {
  test("(control: the owner's own page is let in with his cookie)", async () => {
    const status = await own.page.evaluate(async () => (await fetch("/api/session")).status);
    expect(status).toBe(200);
  });

  test("changes nothing, by form, by fetch, by beacon", async () => {
    const before = stateOfHub();
    const clip = firstClip(own.hub);
    const answers = await fromElsewhere<string[]>(neighbourUrl, CHANGE);
    // Not even that something answered can be seen: its answers are for their own origin only.
    expect(answers).toEqual(["refused", "refused", "refused", "refused"]);
    const deleted = await own.hub.call("DELETE", `/api/clips/${clip}`, {
      headers: { origin: neighbourUrl, cookie: await cookieHeader() },
    });
    expect(deleted.statusCode).toBe(403);
    expect(stateOfHub()).toEqual(before);
  });

  test("reads nothing, not as a script, a picture, a frame or an answer", async () => {
    const found = await fromElsewhere<string[]>(neighbourUrl, READ);
    expect(found).toEqual(["refused", "refused", "refused"]);
  });

  test("opens no socket, neither the live picture nor the news", async () => {
    const before = stateOfHub();
    const ends = await fromElsewhere<string[]>(neighbourUrl, CONNECT);
    expect(ends).toEqual(["refused", "refused"]);
    expect(stateOfHub()).toEqual(before);
  });

  test("cannot lay the page under something else, nor hold a window of it", async () => {
    const seen = await fromElsewhere<{ frames: number; isHeld: boolean }>(neighbourUrl, COVER);
    const framed = await own.page.request.get(own.url);
    expect(framed.headers()["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(framed.headers()["x-frame-options"]).toBe("DENY");
    expect(seen).toEqual({ frames: 0, isHeld: false });
  });
});

describe("a foreign name that points at the hub", () => {
  test("gets no page and no answer", async () => {
    const { port } = new URL(own.url);
    const page = await own.context.newPage();
    const answer = await page.goto(`http://${REBOUND}:${port}/`);
    expect(answer?.status()).toBe(421);
    expect(await answer?.text()).toContain("WRONG_HOST");
    // As after a name that changed its address while another page stood there.
    const { statusCode } = await own.hub.call("GET", "/api/hub", {
      headers: { host: `${REBOUND}:${port}`, cookie: await cookieHeader() },
    });
    expect(statusCode).toBe(421);
    await page.close();
  });
});

describe("the page itself", () => {
  test("runs no script that came in as text", async () => {
    const page = await own.context.newPage();
    await page.goto(own.url);
    const outcome = await page.evaluate<{ tried: string[]; stopped: string[]; title: string }>(
      `(${INJECT})()`,
    );
    expect(outcome.tried.filter((line) => line.endsWith("done"))).toEqual(["inline: done"]);
    expect(outcome.title).not.toBe("taken");
    expect(outcome.stopped.filter((each) => each === "require-trusted-types-for").length).toBe(5);
    await page.close();
  });
});

async function cookieHeader(): Promise<string> {
  const cookies = await own.context.cookies(own.url);
  return cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
}

// What the attackers run, in the browser.

const CHANGE = `async (hub) => {
  const tried = [];
  const attempt = async (path, init) => {
    try {
      const { type, status } = await fetch(\`\${hub}\${path}\`, {
        credentials: "include",
        ...init,
      });
      tried.push(\`\${type} \${status}\`);
    } catch {
      tried.push("refused");
    }
  };
  const text = { "content-type": "text/plain" };
  await attempt("/api/session", { method: "DELETE" });
  await attempt("/api/forms", { method: "POST", body: "{}", headers: text, mode: "no-cors" });
  await attempt("/api/session", { method: "POST", body: "{}", mode: "no-cors" });
  await attempt("/api/settings/name", { method: "PUT", body: '{"name":"Taken"}' });
  navigator.sendBeacon(\`\${hub}/api/forms\`, "{}");
  const frame = document.createElement("iframe");
  frame.name = "answer";
  document.body.append(frame);
  const form = document.createElement("form");
  form.target = "answer";
  form.method = "post";
  form.action = \`\${hub}/api/forms\`;
  document.body.append(form);
  form.submit();
  await new Promise((resolve) => setTimeout(resolve, 500));
  return tried;
}`;

const READ = `async (hub) => {
  const load = (element, source) =>
    new Promise((resolve) => {
      element.addEventListener("load", () => resolve("loaded"));
      element.addEventListener("error", () => resolve("refused"));
      element.src = source;
      document.body.append(element);
    });
  const answer = await fetch(\`\${hub}/api/clips\`, { credentials: "include" }).then(
    () => "read",
    () => "refused",
  );
  return [
    answer,
    await load(document.createElement("img"), \`\${hub}/door.svg\`),
    await load(document.createElement("script"), \`\${hub}/api/clips\`),
  ];
}`;

const CONNECT = `async (hub) => {
  const open = (path) =>
    new Promise((resolve) => {
      const socket = new WebSocket(\`\${hub.replace("http", "ws")}\${path}\`);
      socket.addEventListener("open", () => resolve("open"));
      socket.addEventListener("error", () => resolve("refused"));
    });
  return [await open("/api/news"), await open("/api/live/front")];
}`;

const COVER = `async (hub) => {
  const frame = document.createElement("iframe");
  frame.src = \`\${hub}/\`;
  document.body.append(frame);
  const opened = window.open(\`\${hub}/\`);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  // A frame that was refused shows the browser's own error page, which has another origin too.
  return {
    frames: frame.contentWindow?.length ?? -1,
    isHeld: opened !== null && !opened.closed,
  };
}`;

const INJECT = `async () => {
  const tried = [];
  const stopped = [];
  document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) =>
    stopped.push(effectiveDirective),
  );
  // What the tools of a browser run is let off; a task of the page's own is not.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const attempt = (name, work) => {
    try {
      work();
      tried.push(\`\${name}: done\`);
    } catch {
      tried.push(\`\${name}: refused\`);
    }
  };
  attempt("eval", () => void globalThis.eval("1"));
  attempt("markup", () => (document.body.innerHTML = "<b>x</b>"));
  attempt("address", () => (document.createElement("script").src = "/assets/x.js"));
  attempt("worker", () => void new Worker("/assets/x.js"));
  const script = document.createElement("script");
  attempt("inline", () => script.append("document.title = 'taken'"));
  document.head.append(script);
  await new Promise((resolve) => setTimeout(resolve, 50));
  return { tried, stopped, title: document.title };
}`;
