/** How much of a picture changed since the one before, from a small grey copy. */
export interface Motion {
  /** 0 to 1; 0 for the first picture. */
  shareOf(picture: CanvasImageSource): number;
}

const WIDTH = 80;
const HEIGHT = 45;
/** Of 255: less is noise of the camera. */
const CHANGE_MIN = 16;

export function startMotion(): Motion {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT).getContext("2d", {
    ...{ alpha: false, willReadFrequently: true },
  });
  let before: Uint8ClampedArray | null = null;
  return {
    shareOf: (picture) => {
      if (!canvas) return 0;
      canvas.drawImage(picture, 0, 0, WIDTH, HEIGHT);
      const { data } = canvas.getImageData(0, 0, WIDTH, HEIGHT);
      let changed = 0;
      if (before)
        for (let at = 1; at < data.length; at += 4)
          if (Math.abs((data[at] ?? 0) - (before[at] ?? 0)) >= CHANGE_MIN) changed += 1;
      before = data;
      return changed / (WIDTH * HEIGHT);
    },
  };
}
