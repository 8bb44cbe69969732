import type { LintCode } from "../../../../src/protocol/linter-sources.ts";
import type { Asked } from "../../../../src/protocol/request.ts";

/** What deserves a second look, a sentence each. */
export const englishLooks: Readonly<Record<LintCode, string>> = {
  case_missing: "It names no case number. An office that works on a case has one.",
  contact_unclear:
    "It gives no telephone number or mail address. Call back on a number that you found yourself.",
  contact_free_mail:
    "The address is one that anybody can have at a mail provider. Offices write from their own.",
  basis_missing: "It shows no law and no order that would oblige you.",
  basis_mismatch:
    "What it cites is not what it calls itself. Ask to see the paper, and who has signed it.",
  emergency_claimed:
    "It calls itself an emergency. Forged emergencies, sent from real mailboxes, are common.",
  deadline_short: "It wants an answer within a day. Hurry is a reason to look closer.",
  pressure_wording:
    "It speaks of consequences or of duties. A yes that was pressed for is not a free one.",
  gag_wording:
    "It asks you to tell nobody. A court can order silence; a letter alone cannot. Ask for the order.",
  protest_wording:
    "It is about people who demonstrate, march or strike. That is lawful, and whom you film there is not looked for by itself.",
  bulk_wording: "It asks for everything or for everybody. A narrow request says who and when.",
  window_long: "It asks for more than 12 hours. A narrow request asks for the time that matters.",
  visit_long: "Whoever was here knows when, within two hours. Ask for a shorter time.",
  cameras_open: "It asks for any camera, not for one.",
  cameras_many: "It asks for several cameras. Is each of them needed?",
  clear_faces_asked:
    "It asks for clear faces, of everybody who is in the picture. Blurred may be enough.",
  audio_asked: "It asks for the sound. What people say near a door is more private than a picture.",
  key_missing: "It names no key to release to. You would have to get one from them.",
  key_differs:
    "Its key is not the one whose words you were told. Whoever holds this key is not who you spoke to.",
};

/** What each kind of request means for a household, in one sentence. No advice, and no threat. */
export const englishMeanings: Readonly<Record<Asked["kind"], string>> = {
  police_voluntary: "They ask for your help. It is a question, and you may answer it either way.",
  police_emergency:
    "They say that somebody is in danger. Call the station on a number you find yourself; what you do then stays your choice.",
  preservation: "They ask you not to delete something. Keeping it hands nothing over.",
  subpoena:
    "A paper that can oblige you to hand something over by a day, and that says how to object.",
  court_order:
    "A paper of a court that can oblige you. The court’s own office can tell you whether it is real.",
  search_warrant: "A paper of a judge that lets officers look for, and take, what it names.",
  lawyer: "A lawyer asks for one side of a dispute. Without a court’s paper it is a question.",
  insurer: "An insurer looks into a claim. What your own contract says of it may matter to you.",
  neighbour: "Somebody next door asks for help. What you hand over shows others, too.",
  victim:
    "Somebody was harmed and looks for what happened. The minutes in question are often enough.",
  journalist: "Somebody wants to publish. What was published stays published.",
  data_subject:
    "Somebody asks to see themselves: their own minutes, with the others in the picture blurred.",
  household: "One of you wants a recording to leave the house. It is signed for like any other.",
  other: "None of the others. Ask until you can say in a sentence what it is for.",
};
