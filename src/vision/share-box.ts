/** Shares of the picture, from its top left corner. */
export interface ShareBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What came with an event and stays where it was put, after whoever brought it has gone. */
export interface LeftThing {
  readonly zone: string;
  readonly areaShare: number;
}
