export const DEFAULT_PORT = 8080;

/** What a new data directory gets: what is set most often, with the defaults. */
export const EXAMPLE_SETTINGS = `# Doorward's settings. Comments stay when the page changes something.
name: Home

listen:
  port: ${DEFAULT_PORT}
  # lan: true           # for phones in the house; unsaid: until somebody has claimed this hub
  # name: doorward.local

# Without a camera, a demo scene plays, so that you can see the whole way.
# cameras:
#   - id: front
#     name: Front door
#     main: rtsp://192.0.2.10/main   # user and password: secrets/cameras.yaml beside this file
#     sub: rtsp://192.0.2.10/sub
#     audio: false
#     privacy:                       # hours in which it is off, by this machine's clock
#       - { days: [mon, tue, wed, thu, fri], from: "18:00", to: "07:00" }
#     zones:                         # easier drawn on the page; shares of the picture
#       - { name: Path, points: [[0.1, 0.5], [0.6, 0.5], [0.6, 1], [0.1, 1]] }
#     masks:                         # hidden before anything is recorded or shown
#       - [[0.8, 0], [1, 0], [1, 0.3]]
#     masksShape: 1.778              # of the picture they are for: its width over its height

# How long recordings stay, and how much room they may take; bells go last. This is what holds where
# nothing is said. When the disk is full, the oldest that nobody holds go whatever stands here.
# retention:
#   motion: 30d
#   bell: 90d
#   space: 20GB       # no limit where it is left out

# How much footage of all cameras may wait in memory to be blurred; what does not fit is left out.
# blur:
#   memory: 128MB

# What is heard in the house when somebody rings, also without the Internet.
# chime:
#   sound: two-tones  # or bell, or knock; audio: false plays nothing
#   volume: 70
#   device: default   # one of those that aplay -L lists
#   mqtt: { topic: house/chime, payload: ring }   # over the broker of mqtt:
#   quiet:
#     - { days: [sun, mon, tue, wed, thu], from: "22:00", to: "07:00" }

# Through whom devices are told, besides their browsers' own push services. A token of the ntfy server:
# ntfy: { token: "..." } in secrets/notify.yaml beside this file.
# notify:
#   ntfy: { url: https://ntfy.example }   # or http:// at an address of your own network
#   services: [push.example.org]          # hosts that a device's endpoint may lie at

# A folder or topic of your own outside, so that owners can decide while they are away. User, password
# or token: secrets/mailbox.yaml beside this file.
# mailbox:
#   webdav: https://files.example.org/dav/door   # or ntfy: https://ntfy.example.org/Xb72kQ
#   space: 24MB       # for pieces of recordings

# A sealed copy of recordings, ledger and settings elsewhere. Login: secrets/copy.yaml beside this file.
# copy:
#   to: /mnt/usb/doorward   # or a WebDAV address, or s3://bucket/doorward with endpoint
#   rate: 1MB               # a second
#   deletions: follow       # keep: what is deleted here stays there

# What the notice for the door says (doorward owner notice). Everybody may read it.
# notice:
#   contact: "Flat 2, or door@example.org"

# Whom to tell who finds a hole in this hub; everybody who reaches it may read it.
# security:
#   contact: mailto:door@example.org
`;
