import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { expect, test, describe } from "vitest";
import { readSettings } from "../../src/settings/settings.ts";
import { english as words } from "../../web/page/screens/house/move/words.en.ts";
import { english as house } from "../../web/page/screens/house/words.en.ts";
import { english as welcome } from "../../web/page/screens/welcome/words.en.ts";
import { expectAccessible } from "../support/page.ts";
import { builtPage } from "../support/page-build.ts";
import { putDevice } from "../support/page-device.ts";
import { PHONE_COMMANDS, startPhone, trustAuthority } from "../support/phone.ts";
import { missingCommands } from "../support/requirements.ts";
import { startTestHub } from "../support/test-hub.ts";

/** A house that changes its name, with the old and the new one open in a browser. */

const OLD = "doorward.local";
const NEW = "door.example.org";

describe.skipIf(missingCommands(...PHONE_COMMANDS))("from one name to another", () => {
  test("a device joins under the new name, is seen to have moved, and the old name ends", async () => {
    const home = mkdtempSync(path.join(os.tmpdir(), "doorward-moves-"));
    const dataDirectory = path.join(home, "data");
    mkdirSync(dataDirectory, { mode: 0o700 });
    const listen = `listen:\n  lan: true\n  name: ${OLD}\n  certificatePort: 0\n`;
    writeFileSync(path.join(dataDirectory, "doorward.yaml"), `cameras: []\n${listen}`);
    const environment = { DOORWARD_PORT: "0" };
    await using hub = await startTestHub({
      ...{ nowMs: "system", pageDirectory: builtPage(), dataDirectory, environment },
      lan: { addresses: () => ["127.0.0.1"], mdns: false },
      settings: await readSettings(dataDirectory, null, environment),
    });
    const { lan } = hub.hub.services;
    const page = lan.state().certificatePage ?? "";
    trustAuthority(home, await (await fetch(`${page}doorward.pem`)).text());
    await using phone = await startPhone({ home, names: [OLD, NEW], done: new Map() });
    const old = phone.page;
    await old.goto(`${lan.state().origin}/door.svg`);
    await putDevice(old, hub.owner.bundle);
    await old.goto(`${lan.state().origin}/#/address`);
    await old.locator("summary", { hasText: words.change }).tap();
    await old.getByLabel(words.wanted).fill(NEW);
    await old.getByRole("button", { name: words.begin }).press("Enter", { delay: 1_400 });
    await old.getByRole("heading", { name: words.movingTitle(OLD, NEW) }).waitFor();
    await old.getByText(words.left(1)).waitFor();
    await expectAccessible(old);
    const address = await old.getByRole("link", { name: words.openNew }).getAttribute("href");
    expect(address).toBe(`${lan.state().moving?.origin}/#/join?name=founder`);

    // Keys under a new name are another browser's; it trusts the authority of that name.
    const home2 = path.join(home, "new");
    mkdirSync(home2);
    trustAuthority(home2, await (await fetch(`${page}doorward.pem`)).text());
    await using other = await startPhone({ home: home2, names: [OLD, NEW], done: new Map() });
    const young = other.page;
    await young.goto(address ?? "");
    expect(await young.getByLabel(welcome.join.device).inputValue()).toBe("founder");
    await young.getByRole("button", { name: welcome.join.begin }).tap();
    await old.getByRole("button", { name: house.begin }).tap();
    await old.getByLabel(house.mine).check();
    await old.getByRole("button", { name: house.same }).press("Enter", { delay: 1_400 });
    await young.getByRole("heading", { name: welcome.told.title }).waitFor();
    await old.getByText(words.left(0)).waitFor();
    await old.getByRole("button", { name: words.end(NEW) }).press("Enter", { delay: 1_400 });
    await expect.poll(() => lan.state().name).toBe(NEW);
    expect(lan.state().moving).toBeNull();
    await rm(home, { recursive: true, force: true });
  });
});
