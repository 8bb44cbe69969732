/** As the clock on the wall says it, in a form that sorts. */
export function localTime(atMs: number): string {
  return new Date(atMs).toLocaleString("sv-SE");
}
