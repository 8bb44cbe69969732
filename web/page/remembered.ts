/** What the browser remembers beside the keys; one that is told to keep nothing remembers nothing. */
type Area = "localStorage" | "sessionStorage";

export function remembered(area: Area, name: string): string | null {
  try {
    return globalThis[area].getItem(name);
  } catch {
    return null;
  }
}

/** Null forgets it. */
export function remember(area: Area, name: string, value: string | null): void {
  try {
    if (value === null) globalThis[area].removeItem(name);
    else globalThis[area].setItem(name, value);
  } catch {
    // Blocked or full: the choice lasts as long as this page.
  }
}
