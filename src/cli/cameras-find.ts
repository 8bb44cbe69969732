import { findCameras } from "../probe/camera-probe.ts";
import type { ExitCode } from "./exit.ts";
import { print, printJson, readOptions, say } from "./options.ts";

/** Searches this machine's networks for ONVIF cameras. */
export async function camerasFind(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { flags: ["json"] });
  const isJson = options.flag("json");
  if (!isJson) say("Searching for four seconds ...");
  const found = await findCameras();
  if (isJson) {
    printJson(found);
    return found.cameras.length > 0 ? 0 : 1;
  }
  for (const { host, name, hardware, onvif } of found.cameras)
    print([host, name ?? "-", hardware ?? "-", onvif].join("  "));
  if (found.refused > 0)
    say(`${found.refused} answers left out: they named another host than the one they came from.`);
  if (found.cameras.length > 0) {
    say("Next: doorward cameras probe ADDRESS --user NAME");
    return 0;
  }
  say(
    `No camera answered to ${found.searchedFrom.join(", ")}. Where there is one: switch ONVIF on in`,
  );
  say(
    "it, look whether both are in the same network, or give its address to doorward cameras probe.",
  );
  return 1;
}
