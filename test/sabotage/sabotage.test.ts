import { SABOTAGES } from "./list.ts";
import { trySabotages } from "./try-all.ts";

trySabotages(SABOTAGES, 24);
