/** As `LIVE_CLOSE` in src/protocol/live-messages.ts has them; that file brings a schema library. */
export const SOCKET_CODES = { sessionOver: 4401, cameraGone: 4404, tooManyViewers: 4429 } as const;
