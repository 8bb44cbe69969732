/** A thumb's. */
const TARGET_PIXELS = 48;

/** Runs in the browser: what can be pressed and is smaller than a thumb. */
export const SMALL_TARGETS = `[...document.querySelectorAll(
  "button, .button, select, summary, nav a, label.check, input:not([type=checkbox], [type=radio], [type=range], [type=file])",
)]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }))
  .map((element) => ({ element, box: element.getBoundingClientRect() }))
  .filter(({ box }) => box.width > 1 && Math.min(box.width, box.height) < ${TARGET_PIXELS} - 0.5)
  .map(({ element, box }) =>
    element.outerHTML.slice(0, 120) + " " + Math.round(box.width) + " x " + Math.round(box.height))`;

/** How far the page reaches beyond the screen's width. */
export const OVERHANG = `document.documentElement.scrollWidth - document.documentElement.clientWidth`;
