import { CONSENT_SABOTAGES } from "./list-consent.ts";
import { HUB_SABOTAGES } from "./list-hub.ts";
import { trySabotages } from "./try-all.ts";

trySabotages([...HUB_SABOTAGES, ...CONSENT_SABOTAGES], 20);
