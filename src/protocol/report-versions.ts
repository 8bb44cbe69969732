import Type from "typebox";
import type { Json } from "./canonical-json.ts";
import {
  figureMembers,
  figureMembersOfVersion2,
  figureMembersOfVersion3,
  kindMembers,
  type ReportFigures,
} from "./report.ts";
import { REQUEST_KINDS } from "./request.ts";

/** What reports of older versions say: they go on to hold. */

const closed = { additionalProperties: false } as const;

/** Figures as reports of version 1 have them. */
export const ReportFiguresV1Schema = Type.Object(
  {
    ...figureMembers,
    requests: Type.Array(Type.Object(kindMembers, closed), { maxItems: REQUEST_KINDS.length }),
  },
  closed,
);

/** Figures as reports of version 2 have them. */
export const ReportFiguresV2Schema = Type.Object(figureMembersOfVersion2, closed);

/** Figures as reports of version 3 have them. */
export const ReportFiguresV3Schema = Type.Object(figureMembersOfVersion3, closed);

/** What a report of version 3 says of the same ledger. */
export function figuresOfVersion3(figures: ReportFigures): Json {
  return only(figureMembersOfVersion3, figures);
}

/** What a report of version 2 says of the same ledger. */
export function figuresOfVersion2(figures: ReportFigures): Json {
  return only(figureMembersOfVersion2, figures);
}

/** What a report of version 1 says of the same ledger. */
export function figuresOfVersion1(figures: ReportFigures): Json {
  const requests = figures.requests.map((row) => only(kindMembers, row));
  return { ...only(figureMembers, figures), requests };
}

function only(members: object, value: Readonly<Record<string, Json>>): Record<string, Json> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => Object.hasOwn(members, name)));
}
