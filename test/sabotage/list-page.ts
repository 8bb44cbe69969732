import type { Sabotage } from "./sabotage.ts";

/** Edits to the page and to the sockets that feed it. */
export const PAGE_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a socket takes another site's origin",
    file: "src/http/access-check.ts",
    find: "const isForeignOrigin = request.headers.origin !== undefined && !hasOwnOrigin(request);",
    replace:
      "const isForeignOrigin = !isUpgrade(request) && request.headers.origin !== undefined && !hasOwnOrigin(request);",
    tests: ["test/http/news.test.ts"],
    only: "no page of another site",
  },
  {
    name: "a page hears on after its device was removed",
    file: "src/http/news.ts",
    find: "this.#cut(reader, NEWS_CLOSE.sessionEnded);",
    replace: "reader.saidAtMs = nowMs;",
    tests: ["test/http/news.test.ts"],
    only: "within a second or so",
  },
  {
    name: "the page proves the recovery sheet with the words it made, not those that were typed",
    file: "web/page/device/calls/founding-calls.ts",
    find: "const sheet = await parseRecoverySheet(options.sheet);",
    replace:
      "await parseRecoverySheet(options.sheet).catch(() => null);\n    const sheet = requireFounded().recovery;",
    tests: ["test/page/recovery-sheet.test.ts"],
    only: "nothing is claimed until all are right",
  },
  {
    name: "a first run that was interrupted keeps its keys and sheet unsealed",
    file: "web/page/device/founding-draft.ts",
    find: "...{ iv, sealed, label: label.label, kind, passkey: choice?.passkey ?? null },",
    replace:
      "...{ iv, sealed, label: `${label.label} ${sheet}`, kind, passkey: choice?.passkey ?? null },",
    tests: ["test/page/phone-goes-on.test.ts"],
    only: "goes on at the same word of the same sheet, and",
  },
  {
    name: "a device counts as moved by one of the same name under the old address",
    file: "web/page/screens/house/move/plan.ts",
    find: "[null, newOrigin].includes(originOf(other)),",
    replace: "originOf(other) !== '',",
    tests: ["test/page/move-plan.test.ts"],
  },
  {
    name: "a browser keeps its device's keys in clear beside the sealed ones",
    file: "web/page/device/owner-device.ts",
    find: 'await writeItem("device", device);',
    replace: 'await writeItem("device", { ...device, bundle });',
    tests: ["test/page/first-run.test.ts"],
    only: "nothing in clear is stored",
  },
  {
    name: "the page plays what is not what was recorded",
    file: "web/page/device/calls/event-calls.ts",
    find: "return openSealedFile(sealed, identities, part.file.payloadSha256);",
    replace: "return (await openTornFile(sealed, identities)).plaintext;",
    tests: ["test/page/event.test.ts"],
    only: "altered on the hub's disk",
  },
  {
    name: "a day in the list of events always has 24 hours",
    file: "web/page/screens/timeline/local-days.ts",
    find: "date.getDate() + days).getTime()",
    replace: "date.getDate()).getTime() + days * 86_400_000",
    tests: ["test/page/timeline-layout.test.ts"],
  },
  {
    name: "a part that the hub could not give at once is called missing",
    file: "web/page/media/clip-player.svelte.ts",
    find: "if (!isPassing(error)) throw error;",
    replace: "throw error;",
    tests: ["test/page/event.test.ts"],
    only: "away for a moment",
  },
  {
    name: "the beginning of a file passes for the whole",
    file: "src/owner/payload.ts",
    find: "if (isFinal) return concatBytes(...parts);",
    replace: "if (isFinal || parts.length > 0) return concatBytes(...parts);",
    tests: ["test/owner/open-clip.test.ts"],
  },
  {
    name: "the page keeps whatever answers under its hub's name",
    file: "web/service-worker/kept-files.ts",
    find: "if ((await sha256Of(bytes)) !== sha256) return null;",
    replace: "if (bytes.byteLength === 0) return null;",
    tests: ["test/page/offline.test.ts"],
    only: "never kept as ours",
  },
  {
    name: "what was known last stays where the hub refuses the device",
    file: "web/page/device/device.svelte.ts",
    find: 'if (error instanceof VaultError && error.code === "LOGIN_REFUSED")',
    replace: 'if (error instanceof VaultError && error.code === "KEYS_MISSING")',
    tests: ["test/page/offline.test.ts"],
    only: "nothing that it knew",
  },
  {
    name: "a socket that is refused is only tried again",
    file: "web/page/hub/news.svelte.ts",
    find: "if (code === SESSION_OVER || failures % 4 === 2) void sessionEnded();",
    replace: "if (code === 0) void sessionEnded();",
    tests: ["test/page/recovers.test.ts"],
    only: "without a word",
  },
];
