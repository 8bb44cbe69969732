import type { ToBells } from "./messages.ts";
import type { BellProblem } from "../protocol/api-bells.ts";
import { HubError } from "../protocol/errors.ts";

const TIMEOUT_MS = 5_000;
const WAITING_MAX = 100;

/** Messages on their way to the broker, through the bell process. */
export class Publishing {
  readonly #waiting = new Map<number, (problem: BellProblem | null) => void>();
  #next = 1;

  /** @throws HubError `NOT_PUBLISHED`. */
  async publish(
    message: Pick<Extract<ToBells, { type: "publish" }>, "topic" | "payload" | "retain">,
    send: (message: ToBells) => void,
  ): Promise<void> {
    if (this.#waiting.size >= WAITING_MAX)
      throw new HubError("NOT_PUBLISHED", "Cannot publish: too much is waiting for the broker");
    const id = this.#next++;
    const { promise, resolve } = Promise.withResolvers<BellProblem | null>();
    const late = { code: "NOT_PUBLISHED", message: "the broker does not answer" };
    const timer = setTimeout(() => resolve(late), TIMEOUT_MS);
    this.#waiting.set(id, resolve);
    send({ type: "publish", id, ...message });
    const problem = await promise;
    clearTimeout(timer);
    this.#waiting.delete(id);
    if (problem) throw new HubError("NOT_PUBLISHED", `Cannot publish: ${problem.message}`);
  }

  settle(id: number, problem: BellProblem | null): void {
    this.#waiting.get(id)?.(problem);
  }
}
