import { mount } from "svelte";
import "./styles/tokens.css";
import "./styles/base.css";
import App from "./App.svelte";
import "./app/install-offer.svelte.ts";
import { look } from "./device/device.svelte.ts";
import { language } from "./words/language.ts";

document.documentElement.lang = language;
const target = document.getElementById("page");
if (!target) throw new Error("the page lacks #page");
mount(App, { target });
void look();
