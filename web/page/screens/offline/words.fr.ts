import type { english } from "./words.en.ts";

export const french: typeof english = {
  asOf: (time) => `État de ${time}. La centrale est injoignable ; rien ici n’est en direct.`,
  unlock: "Montrer le dernier état connu",
  unlockHint: "Il est scellé sur cet appareil ; votre clé d’accès l’ouvre.",
  nothingKept: "Rien n’a été gardé sur cet appareil.",
  events: "Événements jusque-là",
  noEvents: "Rien ne s’était encore passé.",
  pictures: "Les images sont sur la centrale : il n’y en a aucune ici.",
  requests: (count, isOne) =>
    isOne ? "1 demande attendait une décision." : `${count} demandes attendaient une décision.`,
  noRequests: "Aucune demande n’attendait de décision.",
  ledger: (size) => `Cet appareil avait vérifié le registre jusqu’à l’entrée ${size}.`,
  ledgerWell: "Il n’y avait rien trouvé d’anormal.",
  ledgerAlarms: (count) => `Il y avait trouvé des points à regarder : ${count}.`,
};
