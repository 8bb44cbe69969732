/** Which phone this is, and whether the page runs as the app on its home screen. */

/** What a browser says of itself, as far as it matters here. */
export interface Browser {
  readonly userAgent: string;
  readonly maxTouchPoints: number;
  /** Safari's own word for a page that was opened from the home screen. */
  readonly standalone?: boolean;
}

export type Platform = "iphone" | "ipad" | "android" | "windows" | "mac" | "linux" | "other";

/** An iPad says that it is a Mac; no Mac has a screen that takes several fingers. */
export function platformOf({ userAgent, maxTouchPoints }: Omit<Browser, "standalone">): Platform {
  if (/iPhone|iPod/.test(userAgent)) return "iphone";
  if (/iPad/.test(userAgent)) return "ipad";
  if (/Macintosh/.test(userAgent)) return maxTouchPoints > 1 ? "ipad" : "mac";
  if (/Android/.test(userAgent)) return "android";
  if (/Windows/.test(userAgent)) return "windows";
  return /Linux|CrOS/.test(userAgent) ? "linux" : "other";
}

export const platform: Platform = platformOf(navigator);

/** The kind of device that a bell is to reach in a pocket. */
export const isPhone = ["iphone", "ipad", "android"].includes(platform);

/** True for the app on the home screen, false for a browser's tab. */
export function isInstalled(): boolean {
  const { standalone } = navigator as Browser;
  return standalone === true || matchMedia("(display-mode: standalone)").matches;
}

/**
 * True where the app on the home screen has a storage of its own, so that keys made in this tab would
 * not be in it (iPhone and iPad; on Android, app and browser share one).
 */
export function isApartFromApp(): boolean {
  return (platform === "iphone" || platform === "ipad") && !isInstalled();
}
