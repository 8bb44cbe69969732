import { trySabotages } from "./try-all.ts";

trySabotages(3);
