import type { english } from "./words.en.ts";

export const french: typeof english = {
  withoutKey: "La personne n’a pas de clé",
  withKey: "La personne a une clé",
  keyText:
    "Cet appareil fait une clé pour elle et la met dans un lien. Quiconque a le lien peut ouvrir ce que vous acceptez : envoyez-le à une seule personne, par une voie sûre. Le lien est fait après votre accord.",
  title: "Un lien pour une personne sans clé",
  text: "Le lien est montré une seule fois et gardé nulle part, pas même ici. Ce qui a été vu peut être filmé ou enregistré, et ne peut pas être rappelé.",
  meantFor: "Pour qui",
  meantForText: "Montré sur l’image. La centrale ne peut pas le lire.",
  days: "Il fonctionne pendant",
  dayCount: (count: number) => (count === 1 ? "1 jour" : `${count} jours`),
  views: "Il peut être ouvert",
  viewCount: (count: number) => (count === 1 ? "une fois" : `${count} fois`),
  base: "Adresse de cette centrale, vue de l’extérieur",
  baseText:
    "L’accès extérieur est fermé : un lien n’ouvre rien tant qu’il l’est. Indiquez l’adresse à laquelle il sera joint. Sinon, faites une clé pour cette personne et remettez le fichier sur une clé USB ou par courrier.",
  make: "Faire le lien",
  working: "Le lien est en train d’être fait",
  link: "Le lien",
  copy: "Copier le lien",
  copied: "Copié",
  qr: "Le lien en code QR",
  once: "Copiez-le maintenant. Quand vous quittez cette page, il disparaît.",
  list: "Liens",
  opened: (views: number, most: number) => `Ouvert ${views} fois sur ${most}`,
  until: (when: string) => `jusqu’au ${when}`,
  open: "fonctionne",
  ended: "terminé",
  takeBack: "Pour mettre fin à un lien, reprenez l’accord.",
};
