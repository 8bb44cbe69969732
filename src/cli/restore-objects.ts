import { HubError } from "../protocol/errors.ts";

/** Something of a copy that is there and was not taken. */
export interface Refused {
  readonly name: string;
  readonly reason: string;
}

const PLACE_WIDE = /^(?:PLACE_|INTERRUPTED$)/;

/** What is wrong with one object; an interruption or a place that does not answer is not. */
export function isOfOneObject(error: unknown): error is HubError {
  return (
    error instanceof HubError &&
    (!PLACE_WIDE.test(error.code) || ["PLACE_OBJECT_MISSING", "PLACE_LIES"].includes(error.code))
  );
}
