/**
 * Draws the app's icons into web/public, from the door of door.svg: with the system's own browser,
 * since each system rounds or masks them in its own way.
 *
 *     node scripts/make-icons.ts
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const FOLDER = fileURLToPath(new URL("../web/public", import.meta.url));
const WOOD = "#7a4b1e";
const PAPER = "#faf6ef";

interface Icon {
  readonly name: string;
  readonly size: number;
  /** Of the 32 of door.svg; none where the system cuts the corners itself. */
  readonly corner: number;
  /** Share of the square that the drawing takes; a mask leaves a circle of 80% (W3C App Manifest). */
  readonly scale: number;
}
const ICONS: readonly Icon[] = [
  { name: "icon-192.png", size: 192, corner: 7, scale: 1 },
  { name: "icon-512.png", size: 512, corner: 7, scale: 1 },
  { name: "icon-maskable-512.png", size: 512, corner: 0, scale: 0.78 },
  { name: "apple-touch-icon.png", size: 180, corner: 0, scale: 0.92 },
];

function drawing({ size, corner, scale }: Icon): string {
  const shift = (32 * (1 - scale)) / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 32 32">
    <rect width="32" height="32" rx="${corner}" fill="${WOOD}"/>
    <g transform="translate(${shift} ${shift}) scale(${scale})">
      <path d="M10 27V9a6 6 0 0 1 12 0v18z" fill="${PAPER}"/>
      <circle cx="18.8" cy="18" r="1.5" fill="${WOOD}"/>
    </g>
  </svg>`;
}

const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
try {
  const page = await browser.newPage();
  for (const icon of ICONS) {
    const { name, size } = icon;
    await page.setViewportSize({ width: size, height: size });
    await page.setContent(`<style>body { margin: 0; line-height: 0 }</style>${drawing(icon)}`);
    const bytes = await page.screenshot({ omitBackground: true });
    writeFileSync(path.join(FOLDER, name), bytes);
    process.stdout.write(`${name}: ${bytes.length} bytes\n`);
  }
} finally {
  await browser.close();
}
