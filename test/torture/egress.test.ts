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
    expect(egressResults(run, 30).filter(({ holds }) => !holds)).toEqual([]);
  },
);

test.skipIf(cannot)(
  "(control: a name that is looked up and a packet to somebody else are caught)",
  { timeout: 400_000 },
  async () => {
    const { captured, stray } = await watchEgress(1, { planted: true });
    expect(captured.asked).toContain("telemetry.example.org");
    expect(stray.map(({ to, otherPort }) => `${to}:${otherPort}`)).toContain("192.0.2.9:9");
  },
);
