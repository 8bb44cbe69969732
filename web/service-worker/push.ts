import { isRecord, noticeText, readNotice, type ShownNotice } from "./notice-text.ts";
import { scope, type ExtendableEvent, type NotificationEvent, type PushEvent } from "./scope.ts";

/**
 * What is done with a push. It carries an id and nothing else: what it stands for, this device asks
 * its own hub, with the page's session. Where the hub cannot be asked, something neutral is said; and
 * something is always said, since a browser takes the permission away from a page that does not.
 */
const ANSWER_MAX_MS = 3_000;
const ID = /^[0-9a-f]{32}$/;
const ICON = "/door.svg";

scope.addEventListener("push", (event) => event.waitUntil(show(event)));
scope.addEventListener("notificationclick", (event) => event.waitUntil(open(event)));
scope.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(subscribeAgain(event)));

/** What WebKit gives a worker of a declarative push that may be changed, instead of the data. */
interface DeclaredPush {
  readonly notification?: (Notification & { readonly navigate?: string }) | null;
}

interface Carried {
  readonly id: string | null;
  readonly language: string;
}

async function show(event: PushEvent & DeclaredPush): Promise<void> {
  const { id, language } = carriedBy(event);
  const notice = id === null ? null : await ask(id);
  const { title, body, actions, opens, refuses } = noticeText(id, notice, language);
  const tag = id ?? "doorward";
  const isShown = (await scope.registration.getNotifications({ tag })).length > 0;
  const options = {
    ...{ body, tag, actions, lang: language, icon: ICON, badge: ICON },
    // The same push twice is one notice; one that the hub knows no more is nothing to be rung for.
    silent: isShown || notice === "unknown",
    requireInteraction: isNotice(notice) && notice.kind === "request",
    ...(isNotice(notice) ? { timestamp: notice.atMs } : {}),
    data: { opens, refuses },
  };
  await scope.registration.showNotification(title, options);
  // Tells the hub how long it took; whether it hears of it changes nothing here.
  if (isNotice(notice)) await call(`/api/notices/${id}/seen`, "POST").catch(() => undefined);
}

function carriedBy(event: PushEvent & DeclaredPush): Carried {
  const declared = event.notification ?? null;
  const fallback = navigator.language;
  try {
    const data: unknown = declared ? { notification: declared } : event.data?.json();
    const notification = isRecord(data) ? data["notification"] : null;
    if (!isRecord(notification)) return { id: null, language: fallback };
    const { tag, lang } = notification;
    return {
      id: typeof tag === "string" && ID.test(tag) ? tag : null,
      language: lang === "fr" || lang === "en" ? lang : fallback,
    };
  } catch {
    // Whatever came is not of this hub's making.
    return { id: null, language: fallback };
  }
}
