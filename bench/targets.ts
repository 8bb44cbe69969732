import type { Figure } from "./figure.ts";

/** What a figure is wanted to be; design targets first, then what single capabilities promised. */
export interface Target {
  readonly name: string;
  /** Part of the context, where a name is printed for several cases and one of them counts. */
  readonly of?: string;
  readonly wanted: string;
  readonly isMet: (value: number) => boolean;
}

function atMost(name: string, limit: number, unit: string, of?: string): Target {
  const wanted = limit === 0 ? "0" : `at most ${limit.toLocaleString("en")}${unit}`;
  return { name, wanted, isMet: (value) => value <= limit, ...(of === undefined ? {} : { of }) };
}

function atLeast(name: string, limit: number, unit = "", of?: string): Target {
  const wanted = `at least ${limit}${unit}`;
  return { name, wanted, isMet: (value) => value >= limit, ...(of === undefined ? {} : { of }) };
}

export const TARGETS: readonly Target[] = [
  atMost("camera.cpu.transport", 0.5, " % of a core", "transport, ring and seal, 16 x"),
  atMost("camera.cpu.moving", 2.5, " % of a core", "16 cameras"),
  atMost("camera.cpu.moving.ratio", 1, " of Debian's `motion`"),
  atMost("camera.cpu.still", 0.6, " % of a core", "16 cameras"),
  atMost("camera.cpu.still.ratio", 1, " of Debian's `motion`"),
  atMost("camera.cpu.main_only.ratio", 1, " of Debian's `motion`"),
  atMost("camera.cpu.main_only.still.ratio", 1, " of Debian's `motion`"),
  atMost("camera.cpu.transcoded", 50, " % of a core"),
  atMost("camera.memory", 25, " MiB", "16 cameras"),
  atMost("camera.memory.moving", 25, " MiB", "16 cameras"),
  atMost("camera.memory.still", 25, " MiB", "16 cameras"),
  atMost("camera.memory.decoder", 65, " MiB"),
  atMost("camera.first_fragment", 200, " ms"),
  atMost("camera.recovery_ms.cut", 10_000, " ms"),
  atMost("camera.recovery_ms.frozen", 10_000, " ms"),
  atMost("live.latency.webcodecs.p95", 50, " ms"),
  atMost("live.latency.mse.p95", 150, " ms"),
  atMost("event.onset.p95", 500, " ms"),
  atMost("bell.heard.p95", 100, " ms"),
  atMost("bell.handover.p95", 100, " ms"),
  atMost("bell.lost", 0, ""),
  atLeast("motion.recall", 1),
  atLeast("wake.recall", 1),
  atMost("wake.lost_events", 0, ""),
  atLeast("blur.covered", 0.985),
  atLeast("blur.tracks_whole", 0.82),
  atMost("blur.detect_ms", 20, " ms"),
  atLeast("seal.throughput", 500, " MiB per CPU second"),
  atMost("store.write_ratio", 1.05, ""),
  atMost("play.first_frame.p95", 300, " ms"),
  atMost("play.seek.p95", 300, " ms"),
  atLeast("play.speed", 8),
  atMost("decide.browser_ms", 100, " ms"),
  atMost("decide.node_ms", 100, " ms"),
  atMost("ledger.append_ms", 1, " ms"),
  atMost("ledger.proof_ms", 1, " ms"),
  atMost("page.gzip", 61_440, " bytes"),
  atMost("viewer.bytes", 256_000, " bytes"),
  atLeast("page.lighthouse.mobile.performance", 95, " of 100", "live"),
  atLeast("page.lighthouse.mobile.accessibility", 95, " of 100", "live"),
  atMost("timeline.frame_ms.p95", 16.7, " ms"),
  atMost("timeline.page_ms.p99", 100, " ms"),
  atMost("lan.abuse.owner_p99_ms", 200, " ms"),
  atMost("power.lost_entries", 0, ""),
  atMost("power.open_ms", 8_000, " ms"),
  atMost("power.start_ms", 5_000, " ms"),
  atMost("load.owner_p99_ms", 200, " ms"),
  atMost("load.lost_segments", 0, ""),
  atMost("events.list_p99_ms", 100, " ms"),
  atMost("egress.packets", 0, ""),
  atMost("egress.dns", 0, ""),
  atMost("full.resumes_ms", 30_000, " ms"),
  atMost("soak.beside_bytes_per_second", 25_000, " bytes/s"),
];

export function isOf(figure: Figure, { name, of }: Target): boolean {
  return figure.name === name && (of === undefined || figure.context.includes(of));
}
