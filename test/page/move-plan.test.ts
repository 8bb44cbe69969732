import { expect, test } from "vitest";
import type { ShownDevice, ShownPerson } from "../../web/page/device/calls/shown-people.ts";
import { joinAddress, movePlan } from "../../web/page/screens/house/move/plan.ts";

/** Who has moved from one address of the house to another. */

const OLD = "https://doorward.local:8443";
const NEW = "https://door.example.org:8443";
let ids = 0;

function device(label: string | null, origin: string | null, isRemoved = false): ShownDevice {
  ids += 1;
  const id = String(ids).padStart(64, "0");
  return { id, label, isThis: false, isRemoved, hasPasskey: origin !== null, origin };
}
function person(...devices: ShownDevice[]): ShownPerson {
  return { person: String(ids), role: "owner", isSelf: false, devices };
}
const told = (...people: ShownPerson[]): string[] =>
  movePlan(people, NEW, OLD).map(({ device: { label }, state }) => `${label ?? "?"}: ${state}`);

test("a device has moved when its person has a younger one of the same name there", () => {
  const old = device("Kitchen phone", OLD);
  const young = device("Kitchen phone", NEW);
  const [row] = movePlan([person(old, young)], NEW, OLD);
  expect(row).toEqual({ device: old, state: "moved", by: young });
  expect(movePlan([person(old, young)], NEW, OLD)).toHaveLength(1);
});

test("neither another person's, nor a removed one, nor one under the old address stands for it", () => {
  expect(told(person(device("Phone", OLD)), person(device("Phone", NEW)))).toEqual([
    "Phone: to-move",
  ]);
  expect(told(person(device("Phone", OLD), device("Phone", NEW, true)))).toEqual([
    "Phone: to-move",
  ]);
  expect(told(person(device("Phone", OLD), device("Phone", OLD)))).toEqual([
    "Phone: to-move",
    "Phone: to-move",
  ]);
});

test("two of the same name need two, and a name that nobody remembers stands for none", () => {
  const three = [device("Phone", OLD), device("Phone", OLD), device("Phone", NEW)];
  expect(told(person(...three))).toEqual(["Phone: moved", "Phone: to-move"]);
  expect(told(person(device(null, OLD), device(null, NEW)))).toEqual(["?: to-move"]);
});

test("where no passkey says where keys belong, it is said so, and a removed device is out of it", () => {
  expect(told(person(device("keys", null), device("Phone", OLD, true)))).toEqual(["keys: perhaps"]);
  expect(told(person(device("Tablet", null), device("Tablet", null)))).toEqual(["Tablet: moved"]);
  expect(told(person(device("Tablet", NEW)))).toEqual([]);
});

test("the device that asks is a browser, and stands where its page does", () => {
  const own = { ...device("Phone", null), isThis: true };
  expect(movePlan([person(own)], NEW, OLD)).toEqual([{ device: own, state: "to-move", by: null }]);
  expect(movePlan([person(own)], NEW, NEW)).toEqual([]);
  const before = device("Phone", OLD);
  const [row] = movePlan([person(before, own)], NEW, NEW);
  expect(row).toEqual({ device: before, state: "moved", by: own });
});

test("the address at which a device joins carries its name, whatever is in it", () => {
  const address = joinAddress(NEW, "Léa’s phone & #1?");
  const { origin, hash } = new URL(address);
  expect(origin).toBe(NEW);
  const [path, query = ""] = hash.slice(1).split("?");
  expect(path).toBe("/join");
  expect(new URLSearchParams(query).get("name")).toBe("Léa’s phone & #1?");
  expect(joinAddress(NEW, null)).toBe(`${NEW}/#/join`);
});
