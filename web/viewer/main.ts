import { mount } from "svelte";
import "../page/styles/tokens.css";
import "../page/styles/base.css";
import { takeSecret } from "./share-link.ts";
import Viewer from "./Viewer.svelte";

// Before anything else, so that no history and no screen keeps the key of a link.
const link = takeSecret();
const target = document.getElementById("viewer");
if (!target) throw new Error("the page lacks #viewer");
mount(Viewer, { target, props: { link } });
