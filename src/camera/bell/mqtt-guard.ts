/** Of one packet of the broker, its fixed header apart. */
export const MQTT_PACKET_BYTES_MAX = 64 * 1024;

/**
 * Reads along with what a broker sends, as far as the lengths (MQTT 3.1.1 section 2.2): a packet that
 * is announced as larger than its limit is noticed before any of it is kept.
 */
export class MqttGuard {
  /** Bytes of the packet that are still to come. */
  #left = 0;
  #phase: "type" | "length" | "body" = "type";
  #shift = 0;

  /** False for what no broker should send; nothing after it can be told apart any more. */
  allows(chunk: Uint8Array): boolean {
    for (let at = 0; at < chunk.length;) {
      if (this.#phase === "body") {
        const skipped = Math.min(this.#left, chunk.length - at);
        this.#left -= skipped;
        at += skipped;
        if (this.#left === 0) this.#phase = "type";
        continue;
      }
      const byte = chunk[at] ?? 0;
      at += 1;
      if (this.#phase === "type") {
        this.#phase = "length";
        this.#left = 0;
        this.#shift = 0;
        continue;
      }
      this.#left += (byte & 0x7f) * 2 ** this.#shift;
      this.#shift += 7;
      if (this.#left > MQTT_PACKET_BYTES_MAX || this.#shift > 28) return false;
      if ((byte & 0x80) === 0) this.#phase = this.#left === 0 ? "type" : "body";
    }
    return true;
  }
}
