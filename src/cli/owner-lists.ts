import * as Api from "../protocol/api.ts";
import { HubError } from "../protocol/errors.ts";
import type { Personal } from "../protocol/request.ts";
import { recipientWords } from "../protocol/words.ts";
import { openRequest, ownersIdentities } from "../owner/requests.ts";
import type { ExitCode } from "./exit.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { localTime } from "./times.ts";
import { print, printable, printJson, readOptions } from "./options.ts";

const PAGES_MAX = 10_000;

export async function ownerClips(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"] });
  await using session = await openSession(options);
  const clips: Api.ClipSummary[] = [];
  let before: number | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query = before === null ? "limit=500" : `limit=500&before=${before}`;
    const answer: { clips: Api.ClipSummary[]; next: number | null } = await session.client.get(
      `/api/clips?${query}`,
      Api.ClipList,
    );
    clips.push(...answer.clips);
    before = answer.next;
    if (before === null) break;
  }
  if (options.flag("json")) printJson(clips);
  else if (clips.length === 0) print("Nothing has been recorded yet.");
  else for (const clip of clips) print(clipLine(clip));
  return 0;
}

function clipLine(clip: Api.ClipSummary): string {
  const seconds = `${(clip.durationMs / 1000).toFixed(0)} s`.padStart(6);
  return `${clip.id}  ${localTime(clip.startedAtMs)}  ${seconds}  ${clip.camera}  ${clip.kind}  ${clip.state}  ${renditionsText(clip)}`;
}

/** `original+blurred`, and what is to be said of the blurred copy. */
export function renditionsText({ renditions, blur, segments }: Api.ClipSummary): string {
  const there = renditions.length === 0 ? "nothing yet" : renditions.join("+");
  if (!blur) return there;
  if (blur.state === "waiting")
    return `${there} (blurred copy being made: ${blur.segments} of ${segments} pieces)`;
  const why = blur.reason === null ? "" : `: ${blur.reason}`;
  if (blur.state === "absent") return `${there} (no blurred copy${why})`;
  const parts = [
    ...(blur.segments < segments ? [`${segments - blur.segments} pieces left out`] : []),
    ...(blur.whole > 0 ? [`${blur.whole} pixelated whole`] : []),
  ];
  return parts.length === 0 ? there : `${there} (blurred copy: ${parts.join(", ")}${why})`;
}

export async function ownerRequests(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"] });
  await using session = await openSession(options);
  const list = await session.client.get("/api/requests?limit=500", Api.RequestList);
  const devices = list.some(({ proposal }) => proposal)
    ? await session.client.get("/api/devices", Api.DeviceList)
    : [];
  const opened = await Promise.all(
    list.map(async (request) => ({ request, personal: await personalOf(session, request) })),
  );
  if (options.flag("json"))
    printJson(
      opened.map(({ request, personal }) => ({
        id: request.record.request,
        state: request.state,
        outcome: request.outcome,
        receivedAtMs: request.record.receivedAtMs,
        expiresAtMs: request.record.expiresAtMs,
        channel: request.record.channel,
        statusUrl: request.statusUrl,
        ...(request.proposal ? { proposal: request.proposal } : {}),
        ...(request.leavesAtMs === undefined ? {} : { leavesAtMs: request.leavesAtMs }),
        ...(request.availableUntilMs === undefined
          ? {}
          : { availableUntilMs: request.availableUntilMs }),
        ...request.record.asked,
        ...(request.record.asked.recipient === undefined
          ? {}
          : { recipientWords: recipientWords(request.record.asked.recipient) }),
        ...personal,
      })),
    );
  else if (opened.length === 0) print("Nobody has asked for anything.");
  else for (const { request, personal } of opened) print(requestText(request, personal, devices));
  return 0;
}

/** Null where the personal part was erased or is not for this household: shown as such, not hidden. */
async function personalOf(
  session: OwnerSession,
  request: Api.RequestSummary,
): Promise<Personal | null> {
  const owners = ownersIdentities(session.keys.bundle);
  if (request.personal === null || owners.length === 0) return null;
  try {
    return (await openRequest(request.record.asked, request.personal, owners)).personal;
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return null;
  }
}

/** Where a request stands, in a sentence or two. */
function stateText(request: Api.RequestSummary, devices: Api.DeviceList): string {
  const { state, leavesAtMs, availableUntilMs, proposal } = request;
  if (proposal) return proposalText(proposal, devices);
  if (state === "received" || state === "held") return "Waiting for you. Nothing has been sent.";
  if (state === "approved" && leavesAtMs !== undefined)
    return `Approved. Nothing leaves before ${localTime(leavesAtMs)}; an owner can still stop it.`;
  if (state === "approved")
    return "Approved, and it cannot leave: a device that signed it is no longer in force, or a recording is gone. Take it back with owner revoke.";
  if ((state === "packaged" || state === "accessed") && availableUntilMs !== undefined)
    return `State: ${state}. It can be fetched until ${localTime(availableUntilMs)}.`;
  return `State: ${state}.`;
}

function proposalText(
  { signers, needed, isStale }: NonNullable<Api.RequestSummary["proposal"]>,
  devices: Api.DeviceList,
): string {
  if (isStale)
    return "An approval was proposed, and the household has changed since: sign anew. Nothing has been sent.";
  const names = signers.map(
    (id) => devices.find(({ device }) => device === id)?.label ?? id.slice(0, 16),
  );
  const missing = needed - signers.length;
  return `Signed by ${printable(names.join(", "))}; ${missing === 1 ? "one more person is" : `${missing} more persons are`} needed. Nothing has been sent.`;
}

function requestText(
  request: Api.RequestSummary,
  personal: Personal | null,
  devices: Api.DeviceList,
): string {
  const { record } = request;
  const { asked } = record;
  const cameras =
    asked.sought.cameras === "unspecified"
      ? "any camera"
      : printable(asked.sought.cameras.join(", "));
  return [
    `${record.request}  ${localTime(record.receivedAtMs)}  ${asked.kind}`,
    `  ${stateText(request, devices)}`,
    `  Asks for: ${cameras}, ${asked.sought.from} to ${asked.sought.to}, ${asked.sought.tracks.join(" and ")}${asked.sought.clearFaces ? ", clear faces" : ""}`,
    ...(asked.recipient === undefined
      ? []
      : [`  Key: ${recipientWords(asked.recipient).join(" ")} (compare with the requester)`]),
    ...(asked.urgency === "emergency"
      ? ["  Says that it is an emergency. That changes nothing."]
      : []),
    ...(personal
      ? [
          `  From: ${printable([personal.requester.name, personal.requester.agency, personal.requester.contact].filter(Boolean).join(", "))}`,
          `  Basis: ${printable(personal.legalBasis.basis)}`,
          `  Purpose: ${printable(personal.purpose)}`,
        ]
      : ["  The part about the person who asks cannot be opened by this device."]),
  ].join("\n");
}

export async function ownerDevices(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"] });
  await using session = await openSession(options);
  const devices = await session.client.get("/api/devices", Api.DeviceList);
  if (options.flag("json")) printJson(devices);
  else
    for (const { device, label, role, removed } of devices)
      print(
        `${device.slice(0, 16)}  ${printable(label ?? "(no name)")}  ${removed ? "removed" : (role ?? "?")}`,
      );
  return 0;
}
