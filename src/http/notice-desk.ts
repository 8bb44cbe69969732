import type { Carrier, CarrierName, HouseEvent } from "../notify/notice.ts";
import type {
  NoticeAnswer,
  NoticesOverview,
  NotificationRules,
  NotificationsAnswer,
  NotificationTestAnswer,
  NotificationTestState,
  UnifiedPushBody,
} from "../protocol/api-notices.ts";
import type { Notice as Warning } from "../protocol/api.ts";
import type { RecorderEvent } from "../protocol/clip.ts";
import type { CameraId, DeviceId, RequestId } from "../protocol/ids.ts";
import type { SessionDevice } from "./sessions.ts";

/** What is told to whom, and when. */
export interface NoticeDesk extends AsyncDisposable {
  /** Sends through this too from now on. */
  addCarrier(carrier: Carrier): void;
  /** What waits for a device with this carrier is for nobody any more. */
  forgetWay(carrier: CarrierName, device: DeviceId): void;
  /**
   * Calls `listener` for every bell and every motion from now on, whoever is told of it or not; what
   * it throws is logged, and nobody else's loss.
   *
   * @returns a function that ends it.
   */
  onEvent(listener: (event: HouseEvent) => void): () => void;
  /** What this device may know of it. @throws HubError `NOT_FOUND`, the same for all that it may not. */
  look(id: string, device: DeviceId): NoticeAnswer;
  /** The device has it. @returns milliseconds since its making. @throws HubError `NOT_FOUND`. */
  seen(id: string, device: DeviceId): number;
  answer(device: SessionDevice): NotificationsAnswer;
  /** @throws MalformedInput for quiet hours that cannot be. */
  setRules(device: SessionDevice, rules: NotificationRules): NotificationsAnswer;
  /** Tells this device, and no other, that this is a test. */
  test(device: SessionDevice): NotificationTestAnswer;
  /** How a test goes that this device has asked for. @throws HubError `NOT_FOUND`. */
  testState(id: string, device: SessionDevice): NotificationTestState;
  /** @throws HubError `NO_NTFY` where the settings name no server. */
  startNtfy(device: SessionDevice): NotificationsAnswer;
  stopNtfy(device: SessionDevice): NotificationsAnswer;
  /** @throws HubError `ENDPOINT_NOT_ALLOWED`. */
  setUnifiedPush(device: SessionDevice, body: UnifiedPushBody): NotificationsAnswer;
  stopUnifiedPush(device: SessionDevice): NotificationsAnswer;
  overview(): NoticesOverview;
  /** Somebody rings: under way to carriers when this returns. */
  rang(ring: { readonly camera: CameraId; readonly atMs: number }): void;
  /** What the recorder says, after the store has taken it. */
  recorded(event: RecorderEvent): void;
  /** A request waits for those who may sign. */
  requestReceived(request: RequestId): void;
  /** Something is wrong that owners should know of. */
  trouble(code: string, camera: CameraId | null): void;
  /** The settings have changed. */
  configure(): void;
  keyringChanged(): void;
  /** What time alone does; to be called a few times a minute. */
  tick(): void;
  /** What an owner should know: that nothing would be heard of. */
  warnings(): Warning[];
}
