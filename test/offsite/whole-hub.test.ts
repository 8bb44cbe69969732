import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { CopyAddress } from "../../src/settings/copy.ts";
import { openS3Place } from "../../src/offsite/place-s3.ts";
import { openWebDavPlace } from "../../src/offsite/place-webdav.ts";
import { readAll, type Place } from "../../src/offsite/place.ts";
import { DAV_LOGIN, runS3, runWebDav, S3_LOGIN } from "../support/copy-places.ts";
import { refusingProxy, type RefusingProxy } from "../support/refusing-proxy.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import {
  COPY_ENVIRONMENT,
  copyTo,
  copyTurn,
  deleteClip,
  filesOfClip,
  namesAt,
} from "../support/test-copy.ts";
import { startTestHub } from "../support/test-hub.ts";

const signal = new AbortController().signal;

interface Reached extends AsyncDisposable {
  readonly at: CopyAddress;
  readonly place: Place;
  readonly proxy: RefusingProxy;
}

const KINDS = {
  webdav: {
    needs: ["rclone"],
    reach: async (directory: string): Promise<Reached> => {
      const running = await runWebDav(directory);
      const { origin, pathname } = new URL(running.url);
      const proxy = await refusingProxy(origin);
      const url = `${proxy.origin}${pathname}/`;
      const place = openWebDavPlace(running.url, DAV_LOGIN);
      return { at: { kind: "webdav", url }, place, proxy, ...ended(place, proxy, running) };
    },
  },
  s3: {
    needs: [] as string[],
    reach: async (directory: string): Promise<Reached> => {
      const running = await runS3(directory);
      const proxy = await refusingProxy(running.endpoint);
      const of = { region: "us-east-1", bucket: "house", prefix: "copies/door/" };
      const place = openS3Place({ ...of, endpoint: running.endpoint }, S3_LOGIN);
      const at = { kind: "s3", endpoint: proxy.origin, ...of } as const;
      return { at, place, proxy, ...ended(place, proxy, running) };
    },
  },
};

function ended(...all: AsyncDisposable[]): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      for (const each of all) await each[Symbol.asyncDispose]();
    },
  };
}

describe.for(Object.keys(KINDS) as (keyof typeof KINDS)[])("a hub with a copy over %s", (kind) => {
  const { needs, reach } = KINDS[kind];

  test.skipIf(missingCommands(...needs))(
    "has every file there, and says what a login that may not delete leaves there, until it may",
    async () => {
      await using folder = temporaryFolder();
      await using reached = await reach(folder.path);
      const { at, place, proxy } = reached;
      const settings = { copy: copyTo(at) };
      await using house = await startTestHub({
        ...{ clips: 2, settings, environment: COPY_ENVIRONMENT },
      });
      for (const method of ["DELETE", "MOVE"]) proxy.refuses.add(method);
      expect(await copyTurn(house)).toMatchObject({
        ...{ trouble: null, behind: { files: 0 }, running: false, canRemove: null },
        place: { kind },
      });
      const [gone, kept] = house.clips;
      if (gone === undefined || kept === undefined) throw new Error("no clips");
      const files = { ...(await filesOfClip(house, gone)), ...(await filesOfClip(house, kept)) };
      for (const [name, bytes] of Object.entries(files))
        expect(bytes.equals(await readAll(place, name, bytes.length, signal)), name).toBe(true);
      const goneFiles = Object.keys(await filesOfClip(house, gone));
      await deleteClip(house, gone);
      const refused = await copyTurn(house);
      expect(refused).toMatchObject({ trouble: null, canRemove: false });
      expect(refused.stays.files).toBe(goneFiles.length);
      expect(refused.stays.bytes).toBeGreaterThan(0);
      const asked = proxy.counted.get("DELETE") ?? 0;
      const more = await house.record();
      expect((await copyTurn(house)).stays.files).toBe(goneFiles.length);
      // What the place would not do is not asked for again and again, and leaves nothing each time.
      const perTurn = (proxy.counted.get("DELETE") ?? 0) - asked;
      expect(perTurn).toBe(0);
      const left = (await namesAt(place)).filter((name) => name.endsWith(".tmp"));
      expect(left).toEqual(kind === "webdav" ? ["move.tmp"] : []);
      proxy.refuses.clear();
      await deleteClip(house, more);
      await copyTurn(house);
      expect(await copyTurn(house)).toMatchObject({
        ...{ trouble: null, canRemove: true, stays: { files: 0 }, behind: { files: 0 } },
      });
      const clips = await namesAt(place, "clips/");
      expect(clips).toEqual(Object.keys(await filesOfClip(house, kept)).toSorted());
      const { connections } = house.hub.services;
      expect(JSON.stringify(connections.list())).toContain(new URL(proxy.origin).host);
      for (const text of [JSON.stringify(house.hub.services.copy.state()), ...house.log])
        expect(text).not.toContain(DAV_LOGIN.password);
      const writer = await readFile(path.join(house.dataDirectory, "copy/writer"), "utf8");
      expect(writer.trim()).toMatch(/^[0-9a-f]{8}$/);
    },
  );
});
