export const english = {
  title: "Away from home",
  asOf: (time: string) => `Away from home: through your mailbox, as of ${time}.`,
  asOfText:
    "This is what the hub had put there then, sealed to this device. What is newer comes by itself.",
  look: "Look into the mailbox",
  lookAgain: "Look again",
  lookText:
    "The hub cannot be reached from here. What waits for you lies in your mailbox, and you can decide from there.",
  nothing: "Nothing waits for you.",
  onItsWay: "Signed, on its way. The hub takes it when it next looks into the mailbox.",
  taken: "The hub has taken your answer.",
  refused: (why: string) => `The hub refused your answer: ${why}`,
  partial:
    "More recordings lie in that time than the mailbox carries. From here you can refuse; to approve, go home or use a VPN.",
  leftOut: (count: string, isOne: boolean) =>
    isOne
      ? "1 piece of the recordings found no room in the mailbox: it can be looked at and approved at home."
      : `${count} pieces of the recordings found no room in the mailbox: they can be looked at and approved at home.`,
  gone: "This request is not in the mailbox: it has been decided, or is newer than what lies there.",
  all: "All that waits",
};
