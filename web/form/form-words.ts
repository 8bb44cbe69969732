import type { Asked } from "../../src/protocol/request.ts";

/** Words of the form that a requester fills in, in his browser's language. */
export interface FormWords {
  readonly texts: Readonly<Record<TextName, string>>;
  readonly kinds: Readonly<Record<Asked["kind"], string>>;
  readonly until: (when: string) => string;
  readonly saved: string;
  readonly sent: string;
  readonly keySaved: string;
  readonly nothingSent: string;
  readonly documentNotSent: string;
  readonly answered: (status: number) => string;
  /** What is asked for, where the form is a visitor's. */
  readonly ownMinutes: string;
}

export const ENGLISH_TEXTS = {
  title: "Request for recordings",
  intro:
    "A household sent you this form. What you write is sealed to its owners in this browser: nobody on the way can read it, and nothing is sent before you say so. They decide; they owe nobody an answer, and an emergency does not change who decides. The form can be used once",
  visitorIntro:
    "This form is for your own minutes in front of that door: say when you were there, within two hours. Others in the picture may be blurred.",
  who: "Who asks",
  name: "Name",
  agency: "Agency or company (optional)",
  unit: "Unit (optional)",
  contact: "How to reach you",
  why: "What for",
  kind: "Kind of request",
  urgency: "Urgency",
  normal: "Normal",
  emergency: "Emergency",
  basis: "Legal basis",
  basisHint: "none, or what obliges or allows",
  citation: "Law and section (optional)",
  reference: "Document reference (optional)",
  case: "Case number (optional)",
  purpose: "Purpose",
  narrative: "What happened (optional)",
  visitorNarrative: "How to find you in the picture: what you wore or carried",
  document: "A document, if there is one (PDF, JPEG, PNG or text, at most 4 MiB)",
  which: "Which recordings",
  from: "From",
  to: "To",
  audio: "with sound",
  clearFaces: "with clear faces",
  deadline: "Answer by (optional)",
  key: "Your key",
  keyText:
    "What is released opens with one key only. Press the button: it makes yours and saves it as a file, which you keep and show nobody. If you use the program age, paste your recipient instead.",
  recipient: "Public part of your key (age1…)",
  makeKey: "Make a key and save it",
  save: "Seal and save the request",
  send: "Seal and send the request",
  sealed: "Sealed",
  handedOver:
    "If the owners approve, they send you one file with the recordings. Until then there is nothing to fetch, whatever the reason.",
  timesReversed: "“To” must be after “From”.",
  address:
    "If the owners approve, the recording will be at this address. Until then there is nothing there, whatever the reason.",
};
type TextName = keyof typeof ENGLISH_TEXTS;

export const ENGLISH: FormWords = {
  texts: ENGLISH_TEXTS,
  kinds: {
    police_voluntary: "Police, asking for help",
    police_emergency: "Police, an emergency",
    preservation: "Please keep, do not delete",
    subpoena: "Subpoena",
    court_order: "Court order",
    search_warrant: "Search warrant",
    lawyer: "Lawyer",
    insurer: "Insurer",
    neighbour: "Neighbour",
    victim: "I was harmed",
    journalist: "Journalist",
    data_subject: "I was recorded",
    household: "The household itself",
    other: "Something else",
  },
  until: (when) => ` and until ${when}`,
  saved: "Send the saved file back to the owner by any mail.",
  sent: "The request was sent.",
  keySaved: "Your key was saved. Without that file nobody can open what is released.",
  nothingSent: "Nothing was sent.",
  documentNotSent:
    "The request was sent, and its document was not. Press the button again to send the document.",
  answered: (status) => `The owner's hub answered ${status}`,
  ownMinutes: "The recording of myself",
};

export const FRENCH: FormWords = {
  texts: {
    title: "Demande d’enregistrements",
    intro:
      "Un foyer vous a envoyé ce formulaire. Ce que vous écrivez est scellé pour ses propriétaires dans ce navigateur : personne ne peut le lire en chemin, et rien n’est envoyé avant que vous ne le disiez. Ils décident ; ils ne doivent de réponse à personne, et une urgence ne change pas qui décide. Le formulaire sert une fois",
    visitorIntro:
      "Ce formulaire est pour vos propres minutes devant cette porte : dites quand vous y étiez, à deux heures près. Les autres personnes à l’image peuvent être floutées.",
    who: "Qui demande",
    name: "Nom",
    agency: "Service ou entreprise (facultatif)",
    unit: "Unité (facultatif)",
    contact: "Comment vous joindre",
    why: "Pour quoi",
    kind: "Sorte de demande",
    urgency: "Urgence",
    normal: "Normale",
    emergency: "Urgente",
    basis: "Base légale",
    basisHint: "aucune, ou ce qui oblige ou permet",
    citation: "Loi et article (facultatif)",
    reference: "Référence du document (facultatif)",
    case: "Numéro de dossier (facultatif)",
    purpose: "But",
    narrative: "Ce qui s’est passé (facultatif)",
    visitorNarrative: "Comment vous retrouver à l’image : ce que vous portiez",
    document: "Un document, s’il y en a un (PDF, JPEG, PNG ou texte, 4 Mio au plus)",
    which: "Quels enregistrements",
    from: "De",
    to: "À",
    audio: "avec le son",
    clearFaces: "avec des visages nets",
    deadline: "Réponse avant (facultatif)",
    key: "Votre clé",
    keyText:
      "Ce qui est remis ne s’ouvre qu’avec une seule clé. Appuyez sur le bouton : il fait la vôtre et l’enregistre dans un fichier, que vous gardez et ne montrez à personne. Si vous utilisez le programme age, collez plutôt votre destinataire.",
    recipient: "Partie publique de votre clé (age1…)",
    makeKey: "Faire une clé et l’enregistrer",
    save: "Sceller et enregistrer la demande",
    send: "Sceller et envoyer la demande",
    sealed: "Scellé",
    handedOver:
      "Si les propriétaires acceptent, ils vous envoient un seul fichier avec les enregistrements. Jusque-là il n’y a rien à récupérer, quelle qu’en soit la raison.",
    timesReversed: "« À » doit venir après « De ».",
    address:
      "Si les propriétaires acceptent, l’enregistrement sera à cette adresse. Jusque-là il n’y a rien, quelle qu’en soit la raison.",
  },
  kinds: {
    police_voluntary: "Police, demande d’aide",
    police_emergency: "Police, urgence",
    preservation: "Gardez, n’effacez pas",
    subpoena: "Assignation",
    court_order: "Ordonnance d’un tribunal",
    search_warrant: "Mandat de perquisition",
    lawyer: "Avocat",
    insurer: "Assureur",
    neighbour: "Voisin",
    victim: "J’ai subi un tort",
    journalist: "Journaliste",
    data_subject: "J’ai été enregistré",
    household: "Le foyer lui-même",
    other: "Autre chose",
  },
  until: (when) => ` et jusqu’au ${when}`,
  saved: "Renvoyez le fichier enregistré au propriétaire, par n’importe quel courrier.",
  sent: "La demande est envoyée.",
  keySaved: "Votre clé est enregistrée. Sans ce fichier personne ne peut ouvrir ce qui est remis.",
  nothingSent: "Rien n’a été envoyé.",
  documentNotSent:
    "La demande est envoyée, son document ne l’est pas. Appuyez de nouveau pour envoyer le document.",
  answered: (status) => `Le hub du propriétaire a répondu ${status}`,
  ownMinutes: "L’enregistrement de moi-même",
};
