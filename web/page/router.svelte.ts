/** Screens by the address's fragment: the hub serves one page, and sees no fragment. */

export interface Place {
  /** Words between the slashes: `["events", "<clip>"]`; empty for the first screen. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

const LENGTH_MAX = 300;

function read(): Place {
  const [path = "", query = ""] = location.hash.slice(1, LENGTH_MAX).split("?");
  return {
    path: path.split("/").filter((word) => word !== ""),
    query: new URLSearchParams(query),
  };
}

let current = $state.raw(read());
globalThis.addEventListener("hashchange", () => (current = read()));

export const place = {
  get path(): readonly string[] {
    return current.path;
  },
  get query(): URLSearchParams {
    return current.query;
  },
};

/** An address inside the page, for `href`. */
export function to(...words: readonly string[]): string {
  return `#/${words.map(encodeURIComponent).join("/")}`;
}

export function go(address: string, { replace = false } = {}): void {
  if (replace) location.replace(address);
  else location.hash = address.slice(1);
}
