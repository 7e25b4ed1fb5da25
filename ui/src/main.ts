/** The page's composition root: builds the monitor, starts it, mounts the app. */
import { mount } from "svelte";

import App from "./components/App.svelte";
import { Api } from "./lib/api.ts";
import { Feed } from "./lib/feed.ts";
import { Monitor } from "./lib/monitor.svelte.ts";
import { Router } from "./lib/router.svelte.ts";
import { Theme } from "./lib/theme.svelte.ts";
import "uplot/dist/uPlot.min.css";
import "./style.css";

const base = new URL(".", document.baseURI);
const api = new Api(base);
const monitor = new Monitor(api, (handler) => new Feed(base, handler));
const theme = new Theme();
const router = new Router();

mount(App, { target: document.getElementById("app")!, props: { monitor, theme, router, api } });
monitor.start();
