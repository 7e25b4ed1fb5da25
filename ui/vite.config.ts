/**
 * The build: `ui/` becomes static files beside the Python that serves them.
 *
 * The page runs under `script-src 'self'; style-src 'self'` (src/sakshi/web/guard.py), so nothing may
 * be inlined; and it may be mounted under a prefix, so every address in it is relative.
 */
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const SAKSHI = "127.0.0.1:9090"; // whom `npm run dev` asks

export default defineConfig({
  base: "./",
  plugins: [svelte()],
  build: {
    outDir: "../src/sakshi/web/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    license: { fileName: "licenses.md" }, // of what is bundled: uPlot and Svelte
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: {
    proxy: {
      "/api": `http://${SAKSHI}`,
      "/ws": { target: `ws://${SAKSHI}`, ws: true, rewriteWsOrigin: true },
    },
  },
});
