import { expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary.ts";
import { lookForSecrets } from "./secrets.ts";

test("no secret is in arguments, environments, answers or logs, and no process may leave a core", async () => {
  await using folder = temporaryFolder();
  const results = await lookForSecrets({
    ...{ directory: folder.path, say: () => undefined, signal: AbortSignal.timeout(170_000) },
  });
  expect(results.filter(({ holds }) => !holds)).toEqual([]);
}, 180_000);
