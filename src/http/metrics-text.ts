/** Prometheus' text format, version 0.0.4 ("Exposition formats" of its documentation). */

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  /** Null where it is not known: nothing is written then. */
  readonly value: number | null;
}

export interface Family {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** @throws Error for a name that the format has no room for: those are the hub's own. */
export function metricsText(families: readonly Family[]): string {
  return families.map(familyText).join("");
}

function familyText({ name, type, help, samples }: Family): string {
  if (!NAME.test(name)) throw new Error(`a metric of the name ${name}`);
  const known = samples.filter(({ value }) => value !== null);
  if (known.length === 0) return "";
  const lines = known.map(
    ({ labels = {}, value }) => `${name}${labelsText(labels)} ${numberText(value ?? Number.NaN)}`,
  );
  const words = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `# HELP ${name} ${words}\n# TYPE ${name} ${type}\n${lines.join("\n")}\n`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => {
    if (!LABEL.test(label)) throw new Error(`a label of the name ${label}`);
    const text = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
    return `${label}="${text}"`;
  });
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}
