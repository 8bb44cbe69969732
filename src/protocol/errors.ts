/**
 * A failure that a caller is expected to handle: it has a stable code, which the HTTP table, the
 * command line and the page show text for. Impossible states throw a plain `Error` instead.
 *
 * Messages say what could not be done, a colon, then what was found. They never hold a key, a
 * token, a password or a frame.
 */
export class HubError extends Error {
  override readonly name: string = "HubError";
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Bytes or text from outside that do not have the shape the format asks for. */
export class MalformedInput extends HubError {
  override readonly name = "MalformedInput";
  /** Name of the field, file or structure that was wrong. */
  readonly field: string;

  constructor(field: string, message: string, options?: ErrorOptions) {
    super("MALFORMED_INPUT", message, options);
    this.field = field;
  }
}
