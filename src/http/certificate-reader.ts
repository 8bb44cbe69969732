export type PageLanguage = "en" | "fr";

/** Whose steps are shown first; the others are a tap away, so that a wrong guess costs nothing. */
export type Platform = "iphone" | "android" | "windows" | "mac" | "linux";

const HEADER_MAX = 500;

/**
 * What was chosen on the page, else the first of our languages by the browser's own order
 * (RFC 9110, section 12.5.4), else English.
 */
export function languageOf(header: string | undefined, query: unknown): PageLanguage {
  const chosen =
    typeof query === "object" && query !== null && "language" in query ? query.language : null;
  if (chosen === "en" || chosen === "fr") return chosen;
  let best: { language: PageLanguage; weight: number } | null = null;
  for (const part of (header ?? "").slice(0, HEADER_MAX).split(",")) {
    const [tag = "", ...parameters] = part.trim().toLowerCase().split(";");
    const language = tag.split("-")[0];
    if (language !== "en" && language !== "fr") continue;
    const written = parameters.find((parameter) => parameter.trim().startsWith("q="));
    const weight = written === undefined ? 1 : Number(written.trim().slice(2));
    if (weight > (best?.weight ?? 0)) best = { language, weight };
  }
  return best?.language ?? "en";
}

export function platformOf(userAgent: string | undefined): Platform {
  const text = (userAgent ?? "").slice(0, HEADER_MAX);
  if (/iPhone|iPad|iPod/.test(text)) return "iphone";
  if (text.includes("Android")) return "android";
  if (text.includes("Windows")) return "windows";
  // An iPad asks for sites as a Mac does; its steps are one heading further up.
  return text.includes("Macintosh") ? "mac" : "linux";
}
