/** A small grey picture, one byte a pixel, row by row. */
export interface GreyFrame {
  readonly width: number;
  readonly height: number;
  /** Only read it during the call it came with: whoever wants to keep it copies it. */
  readonly pixels: Uint8Array;
  /** Wall clock of the access unit it was decoded from. */
  readonly atMs: number;
}

/** What motion detection looks at: enough for a person at the garden gate, and cheap. */
export const GREY_WIDTH = 320;
export const GREY_HEIGHT = 180;
/** The cells it is looked at in. */
export const CELL_PIXELS = 2;
export const GREY_CELLS = { columns: GREY_WIDTH / CELL_PIXELS, rows: GREY_HEIGHT / CELL_PIXELS };
