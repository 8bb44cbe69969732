import { BELL_TEXT_MAX, type BellWay } from "../../protocol/api-bells.ts";

/** Something that a doorbell, a broker or a program said, whatever it came by. */
export interface BellMessage {
  readonly via: BellWay;
  /** Topic of ONVIF or MQTT, code of Dahua; `callStatus` of Hikvision; empty for a program. */
  readonly topic: string;
  /** Named parts, as texts. MQTT's whole payload has the empty name. */
  readonly items: ReadonlyMap<string, string>;
  /** Tells a state that was so before: it never rings. */
  readonly isInitial: boolean;
  /** Tells a state that lasts until another is told, and not something that happens. */
  readonly isState?: boolean;
}

/** What a listener tells. */
export interface ListenerEvents {
  /** It listens: something that counts has answered. */
  readonly up: () => void;
  readonly message: (message: BellMessage) => void;
  /** Before it connects there. */
  readonly contact: (place: { readonly host: string; readonly port: number }) => void;
}

/**
 * Listens until `signal` is aborted or nothing can be heard any more.
 *
 * @throws CameraError for why it hears nothing; it is begun again after a pause.
 */
export type Listen = (events: ListenerEvents, signal: AbortSignal) => Promise<void>;

/** One line that fits into a rule: control characters, and what comes after its limit, go. */
export function bellText(text: string, most = BELL_TEXT_MAX): string {
  const line = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ");
  // The limit may fall into a pair, of which half is no character that the hub takes.
  return line.slice(0, most).toWellFormed();
}
