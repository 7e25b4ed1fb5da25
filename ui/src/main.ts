/** The page's composition root: builds the monitor, starts it, mounts the app. */
import { mount } from "svelte";

import App from "./components/App.svelte";
import { Api } from "./lib/api.ts";
import { Feed } from "./lib/feed.ts";
import { Monitor } from "./lib/monitor.svelte.ts";
import { Theme } from "./lib/theme.svelte.ts";
import "uplot/dist/uPlot.min.css";
import "./style.css";

const base = new URL(".", document.baseURI);
const monitor = new Monitor(new Api(base), (handler) => new Feed(base, handler));
const theme = new Theme();

mount(App, { target: document.getElementById("app")!, props: { monitor, theme } });
monitor.start();
