import net from "node:net";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { addBellRoutes } from "../../src/http/bell-routes.ts";
import { createServer, type HubServer } from "../../src/http/server.ts";
import type { HubServices } from "../../src/http/services.ts";

/** The routes alone: bells that know one token, and count. */
async function webhooks(): Promise<{ server: HubServer; rings: string[] }> {
  const rings: string[] = [];
  const server = await createServer({
    ...{ version: "0", hostNames: ["localhost"], sessions: null },
    logLevel: "silent",
  });
  const bells = {
    pressByToken: (camera: string, token: string) => {
      if (token === "good") rings.push(camera);
      return token === "good";
    },
  };
  addBellRoutes(server, { bells, settings: {} } as unknown as Pick<
    HubServices,
    "bells" | "settings"
  >);
  return { server, rings };
}

async function call(
  server: HubServer,
  path: string,
  { method = "GET", type, body }: { method?: "GET" | "POST"; type?: string; body?: string } = {},
): Promise<number> {
  const answer = await server.inject({
    ...{ method, url: `/api/bells/${path}` },
    headers: { host: "localhost", ...(type === undefined ? {} : { "content-type": type }) },
    ...(body === undefined ? {} : { payload: body }),
  });
  return answer.statusCode;
}

test("a press counts whatever is sent along with it", async () => {
  const { server, rings } = await webhooks();
  const bodies: [type: string | undefined, body: string | undefined][] = [
    ["application/x-www-form-urlencoded", "event=ring&device=1"],
    ["application/json", ""],
    ["application/json", '{"event": '],
    ["text/xml", "<event/>"],
    ["multipart/form-data; boundary=x", "--x\r\n\r\n\r\n--x--"],
    ["image/jpeg", "x".repeat(2 * 1024 * 1024)],
    ["nonsense", "x"],
    [undefined, "x"],
    [undefined, undefined],
  ];
  for (const [type, body] of bodies)
    expect(
      await call(server, "front/ring/good", {
        method: "POST",
        ...(type === undefined ? {} : { type }),
        ...(body === undefined ? {} : { body }),
      }),
      `${type} ${body?.slice(0, 20)}`,
    ).toBe(204);
  expect(rings.length).toBe(bodies.length);
  // Of this route only.
  expect(
    await call(server, "front/rules", { method: "POST", type: "text/xml", body: "<a/>" }),
  ).not.toBe(204);
  await server.close();
});

test("a press counts before what comes with it has come", async () => {
  const { server, rings } = await webhooks();
  await server.listen({ host: "127.0.0.1", port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const socket = net.createConnection({ host: "127.0.0.1", port });
  socket.write(
    "POST /api/bells/front/ring/good HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n" +
      "Content-Length: 1000000\r\n\r\nx",
  );
  await expect.poll(() => rings.length).toBe(1);
  socket.destroy();
  await server.close();
});

test("wrong tokens are limited, and keep no press out", async () => {
  const { server, rings } = await webhooks();
  const wrong: number[] = [];
  for (let count = 0; count < 62; count += 1) wrong.push(await call(server, "front/ring/wrong"));
  expect([wrong[0], wrong[59], wrong[61]]).toEqual([404, 404, 429]);
  expect(await call(server, "back/ring/good")).toBe(204);
  expect(await call(server, "front/ring/good")).toBe(204);
  expect(rings).toEqual(["back", "front"]);
  await server.close();
});
