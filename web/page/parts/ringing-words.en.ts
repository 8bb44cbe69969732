export const english = {
  rings: (name: string) => `Somebody rings: ${name}`,
  look: "Look",
  aside: "Put aside",
  ofCamera: (what: string, name: string) => `${what}: ${name}`,
};
