/** No schema of ours names a format. One that did would be told so, and not be taken for checked. */
export const Format = {
  Has: (): boolean => false,
  Get: (): never => {
    throw new Error("the viewer knows no formats");
  },
  Test: (): never => {
    throw new Error("the viewer knows no formats");
  },
};
