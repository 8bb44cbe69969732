import { expect, test } from "vitest";
import { cannotMakeHosts } from "../support/two-hosts.ts";
import { missingCommands } from "../support/requirements.ts";
import { egressResults, group, watchEgress } from "./egress.ts";

const cannot = cannotMakeHosts() || missingCommands(...group.needs);

test.skipIf(cannot)(
  "hub, page and viewer send nothing to anybody but camera and viewer, and look up no name",
  { timeout: 400_000 },
  async () => {
    const run = await watchEgress(30);
    expect(run.stray).toEqual([]);
    expect(run.captured.asked).toEqual([]);
    // Else nothing is shown: a name that somebody looks up and a packet to somebody else are caught.
    expect(run.isPlantedSeen).toBe(true);
    expect(egressResults(run, 30).filter(({ holds }) => !holds)).toEqual([]);
  },
);
