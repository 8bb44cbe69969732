/** What is typed in from a letter, on its way to request JSON. */
export interface TypedRequest {
  kind: string;
  urgency: string;
  name: string;
  agency: string;
  unit: string;
  contact: string;
  basis: string;
  citation: string;
  reference: string;
  case: string;
  purpose: string;
  narrative: string;
  /** Null: they name none. */
  cameras: readonly string[] | null;
  /** As `datetime-local` has them: without a zone. */
  from: string;
  to: string;
  audio: boolean;
  clearFaces: boolean;
  deadline: string;
  recipient: string;
}

export function emptyRequest(): TypedRequest {
  return {
    ...{ kind: "police_voluntary", urgency: "normal" },
    ...{ name: "", agency: "", unit: "", contact: "" },
    ...{ basis: "", citation: "", reference: "", case: "", purpose: "", narrative: "" },
    ...{ cameras: null, from: "", to: "", audio: false, clearFaces: false },
    ...{ deadline: "", recipient: "" },
  };
}

/** RFC 3339 with this device's offset at that time, so that it reads as the letter does. */
export function withZone(local: string): string {
  const at = new Date(local);
  if (local === "" || Number.isNaN(at.getTime())) return local;
  const offset = -at.getTimezoneOffset();
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const sign = offset < 0 ? "-" : "+";
  const zone = `${sign}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
  // Written anew from the moment: in the hour that a clock skips, `local` does not exist.
  const wall = new Date(at.getTime() + offset * 60_000).toISOString().slice(0, 19);
  return `${wall}${zone}`;
}

/** Request JSON; members that were left empty are left out. The vault checks it. */
export function requestDocument(typed: TypedRequest): unknown {
  const optional = (name: string, value: string): object =>
    value.trim() === "" ? {} : { [name]: value.trim() };
  return {
    kind: typed.kind,
    urgency: typed.urgency,
    requester: {
      name: typed.name.trim(),
      contact: typed.contact.trim(),
      ...optional("agency", typed.agency),
      ...optional("unit", typed.unit),
    },
    legalBasis: {
      basis: typed.basis.trim(),
      ...optional("citation", typed.citation),
      ...optional("reference", typed.reference),
    },
    ...optional("case", typed.case),
    narrative: typed.narrative,
    purpose: typed.purpose.trim(),
    sought: {
      cameras: typed.cameras ?? "unspecified",
      from: withZone(typed.from),
      to: withZone(typed.to),
      tracks: typed.audio ? ["video", "audio"] : ["video"],
      clearFaces: typed.clearFaces,
    },
    ...optional("recipient", typed.recipient),
    ...(typed.deadline === "" ? {} : { deadline: withZone(typed.deadline) }),
  };
}
