import type { english } from "./sound-words.en.ts";

export const french: typeof english = {
  turnOn: "Activer le son",
  turnOff: "Couper le son",
  starting: "Le son arrive …",
  silent: "Aucun son ne vient de la caméra en ce moment.",
  unsupported: "Ce navigateur ne peut pas jouer le son de la caméra.",
};
