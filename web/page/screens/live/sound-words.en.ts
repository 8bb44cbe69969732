export const english = {
  turnOn: "Turn sound on",
  turnOff: "Turn sound off",
  starting: "Sound is coming …",
  silent: "No sound comes from the camera just now.",
  unsupported: "This browser cannot play the camera’s sound.",
};
