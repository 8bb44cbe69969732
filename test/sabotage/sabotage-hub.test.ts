import { HUB_SABOTAGES } from "./list-hub.ts";
import { trySabotages } from "./try-all.ts";

trySabotages(HUB_SABOTAGES, 20);
