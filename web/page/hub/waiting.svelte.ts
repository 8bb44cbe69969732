/** How many requests wait for this owner; the screen of requests counts them. */
let requests = $state(0);

export const waiting = {
  get requests(): number {
    return requests;
  },
  set requests(found: number) {
    requests = found;
  },
};
