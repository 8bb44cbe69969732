import { forgetSecret, keptSecret, renewSecret } from "./notice-secret.ts";
import { isRecord, noticeText, readNotice, type ShownNotice } from "./notice-text.ts";
import { scope, type ExtendableEvent, type NotificationEvent, type PushEvent } from "./scope.ts";

/**
 * What is done with a push. It carries an id and nothing else: what it stands for, this device asks
 * its own hub, with the secret that its subscription has for that alone. Where the hub cannot be asked, something neutral is said; and
 * something is always said, since a browser takes the permission away from a page that does not.
 */
const ANSWER_MAX_MS = 3_000;
const ID = /^[0-9a-f]{32}$/;
const ICON = "/door.svg";
/** What this worker itself wrote into a notice. */
const OWN_ADDRESS = /^\/(?:#\/(?:notice|request)\/[0-9a-f]{32}(?:\?refuse)?)?$/;

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

/** Of what the DOM's types leave out (Notifications API). */
interface ShownOptions extends NotificationOptions {
  readonly actions: readonly { readonly action: string; readonly title: string }[];
  readonly timestamp: number;
}

async function show(event: PushEvent & DeclaredPush): Promise<void> {
  const { id, language } = carriedBy(event);
  const answer = id === null ? null : await ask(id);
  const notice = answer === "unknown" ? null : answer;
  const { title, body, actions, opens, refuses } = noticeText(id, notice, language);
  const tag = id ?? "doorward";
  const isShown = (await scope.registration.getNotifications({ tag })).length > 0;
  const options: ShownOptions = {
    ...{ body, tag, actions, lang: language, icon: ICON },
    // The same push twice is one notice; one that the hub knows no more is nothing to be rung for.
    silent: isShown || answer === "unknown",
    requireInteraction: notice?.kind === "request",
    timestamp: notice?.atMs ?? Date.now(),
    data: { opens, refuses },
  };
  await scope.registration.showNotification(title, options);
  // Tells the hub how long it took; whether it hears of it changes nothing here.
  if (notice) await callForNotice(`/api/notices/${id}/seen`, "POST").catch(() => undefined);
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

/** @returns `unknown` where the hub says that it has none of that name for this device. */
async function ask(id: string): Promise<ShownNotice | "unknown" | null> {
  try {
    const answer = await callForNotice(`/api/notices/${id}`, "GET");
    if (answer.status === 404) return "unknown";
    return answer.ok ? readNotice(await answer.json()) : null;
  } catch {
    // Away from home, most of all: the neutral words.
    return null;
  }
}

/** With the subscription's own secret: the page's session has mostly run out when somebody rings. */
async function callForNotice(path: string, method: "GET" | "POST"): Promise<Response> {
  const secret = await keptSecret().catch(() => null);
  if (secret !== null) {
    const answer = await call(path, method, { authorization: `Notice ${secret}` });
    if (answer.status !== 401) return answer;
    // The hub has forgotten the subscription, or the device is no longer of the household.
    await forgetSecret(secret);
  }
  return call(path, method, {});
}

function call(
  path: string,
  method: "GET" | "POST" | "PUT",
  headers: Readonly<Record<string, string>>,
  body: object = {},
): Promise<Response> {
  return fetch(path, {
    ...{ method, cache: "no-store", credentials: "same-origin", redirect: "error" },
    ...(method === "GET"
      ? { headers }
      : {
          headers: { ...headers, "content-type": "application/json" },
          body: JSON.stringify(body),
        }),
    signal: AbortSignal.timeout(ANSWER_MAX_MS),
  });
}

async function open({ notification, action }: NotificationEvent): Promise<void> {
  notification.close();
  const data: unknown = notification.data;
  const wanted = isRecord(data) ? (action === "refuse" ? data["refuses"] : data["opens"]) : null;
  const address = typeof wanted === "string" && OWN_ADDRESS.test(wanted) ? wanted : "/";
  const pages = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ focused }) => focused) ?? pages[0];
  if (!page) {
    await scope.clients.openWindow(address);
    return;
  }
  // A browser may keep a window where it is, which is no reason not to show in it what was tapped.
  const focused = await page.focus().catch(() => page);
  const moved = await focused.navigate(new URL(address, location.origin).href).catch(() => null);
  // It was closed meanwhile, or is loaded without this worker.
  if (!moved) await scope.clients.openWindow(address);
}

/** The browser has made its subscription anew, or has lost it: the hub has to know the new one. */
async function subscribeAgain(event: ExtendableEvent & ChangedSubscription): Promise<void> {
  const { oldSubscription: old } = event;
  const key = (await keyOfHub()) ?? old?.options.applicationServerKey ?? null;
  if (key === null) return;
  const subscription =
    event.newSubscription ??
    (await scope.registration.pushManager.subscribe({
      ...{ userVisibleOnly: true, applicationServerKey: key },
    }));
  const { endpoint, keys } = subscription.toJSON();
  const body = {
    ...{ endpoint, p256dh: keys?.["p256dh"], auth: keys?.["auth"] },
    ...(old ? { replaces: old.endpoint } : {}),
  };
  // Without a session the hub takes it when the page is opened next, which finds it here.
  await renewSecret(async () => {
    const answer = await call("/api/push", "PUT", {}, body);
    const given: unknown = answer.ok ? await answer.json() : null;
    return isRecord(given) ? given : null;
  });
}

/** Null without a session, or away from home. */
async function keyOfHub(): Promise<string | null> {
  const answer = await call("/api/push", "GET", {}).catch(() => null);
  const state: unknown = answer?.ok === true ? await answer.json() : null;
  const key = isRecord(state) ? state["key"] : null;
  return typeof key === "string" ? key : null;
}

interface ChangedSubscription {
  readonly newSubscription?: PushSubscription | null;
  readonly oldSubscription?: PushSubscription | null;
}
