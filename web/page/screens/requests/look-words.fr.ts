import type { englishLooks, englishMeanings } from "./look-words.en.ts";

export const frenchLooks: typeof englishLooks = {
  case_missing: "Aucun numéro de dossier. Un service qui travaille sur une affaire en a un.",
  contact_unclear:
    "Ni téléphone ni adresse électronique. Rappelez à un numéro que vous avez trouvé vous-même.",
  contact_free_mail:
    "L’adresse est de celles que chacun peut avoir chez un fournisseur. Un service écrit depuis la sienne.",
  basis_missing: "Aucune loi ni aucun ordre qui vous obligerait n’est indiqué.",
  basis_mismatch:
    "Ce qui est cité n’est pas ce que la demande dit être. Demandez à voir l’acte, et qui l’a signé.",
  emergency_claimed:
    "Elle se dit urgente. De fausses urgences, envoyées depuis de vraies boîtes, sont fréquentes.",
  deadline_short:
    "Elle veut une réponse dans la journée. La hâte est une raison d’y regarder de plus près.",
  pressure_wording:
    "Elle parle de conséquences ou de devoirs. Un oui obtenu sous pression n’est pas libre.",
  gag_wording:
    "On vous demande de n’en parler à personne. Un tribunal peut ordonner le silence ; une lettre seule, non. Demandez l’ordre.",
  protest_wording:
    "Il s’agit de personnes qui manifestent, défilent ou font grève. C’est permis, et on ne recherche pas quelqu’un pour cela.",
  bulk_wording: "Elle demande tout, ou tout le monde. Une demande précise dit qui et quand.",
  window_long:
    "Elle porte sur plus de 12 heures. Une demande précise porte sur le moment qui compte.",
  visit_long:
    "Qui est venu lui-même sait à deux heures près quand. Demandez une période plus courte.",
  cameras_open: "Elle vise n’importe quelle caméra, et non une seule.",
  cameras_many: "Elle vise plusieurs caméras. Chacune est-elle nécessaire ?",
  clear_faces_asked:
    "Elle demande des visages nets, de tous ceux qui sont à l’image. Floutés, ils suffisent peut-être.",
  audio_asked:
    "Elle demande le son. Ce que l’on dit près d’une porte est plus intime qu’une image.",
  key_missing: "Elle n’indique aucune clé à laquelle remettre. Il vous faudrait en obtenir une.",
  key_differs:
    "Sa clé n’est pas celle dont on vous a dit les mots. Qui détient cette clé n’est pas la personne à qui vous avez parlé.",
};

export const frenchMeanings: typeof englishMeanings = {
  police_voluntary:
    "On vous demande votre aide. C’est une question, et vous pouvez y répondre dans un sens ou dans l’autre.",
  police_emergency:
    "On dit que quelqu’un est en danger. Appelez le poste à un numéro que vous trouvez vous-même ; ce que vous faites ensuite reste votre choix.",
  preservation: "On vous demande de ne pas effacer quelque chose. Le garder ne remet rien.",
  subpoena:
    "Un acte qui peut vous obliger à remettre quelque chose pour un jour donné, et qui dit comment s’y opposer.",
  court_order:
    "Un acte d’un tribunal qui peut vous obliger. Le greffe peut vous dire s’il est vrai.",
  search_warrant: "Un acte d’un juge qui permet de chercher, et de prendre, ce qu’il nomme.",
  lawyer:
    "Un avocat demande pour une partie à un litige. Sans acte d’un tribunal, c’est une question.",
  insurer: "Un assureur étudie un sinistre. Ce qu’en dit votre propre contrat peut vous importer.",
  neighbour:
    "Quelqu’un d’à côté demande de l’aide. Ce que vous remettez montre aussi d’autres gens.",
  victim:
    "Quelqu’un a subi un tort et cherche ce qui s’est passé. Les minutes en question suffisent souvent.",
  journalist: "Quelqu’un veut publier. Ce qui a été publié le reste.",
  data_subject:
    "Quelqu’un demande l’enregistrement de sa propre personne : ses minutes, les autres y étant floutés.",
  household:
    "L’un de vous veut qu’un enregistrement quitte la maison. On signe pour lui comme pour tout autre.",
  other: "Rien de tout cela. Demandez jusqu’à pouvoir dire en une phrase à quoi cela sert.",
};
