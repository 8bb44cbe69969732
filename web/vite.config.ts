import path from "node:path";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { formTemplate } from "./form-template.ts";
import { serviceWorker } from "./service-worker-build.ts";
import { viewer, viewerHash } from "./viewer-build.ts";

const root = fileURLToPath(new URL(".", import.meta.url));

/** Modules that the first screen needs, whichever it is. */
const FRAME =
  /\/web\/page\/(?:App|main|router|remembered|parts\/(?:Screen|Failure|Frame|Busy|Icon)|words\/(?:words\.ts|language|times)|hub\/|app\/install-offer|device\/(?!calls|owner-device|device-store|vault-worker|passkey|storage|trial|last-state|platform))|\/node_modules\/svelte\//;

/** What redacts runs under a policy of its own, which the hub gives by the folder's name. */
function folderOf(name: string): string {
  return /^(?:redact|ort|ultraface)/.test(name) ? "assets/redact" : "assets";
}

/** The page: static files, which the hub, or a device's own command line, serves as they are. */
export default defineConfig({
  root,
  base: "/",
  plugins: [svelte({ compilerOptions: { runes: true } }), viewer(), serviceWorker()],
  build: {
    outDir: path.join(root, "dist"),
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    // Data URLs would need a looser policy than files do.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      checks: { pluginTimings: false },
      output: {
        entryFileNames: ({ name }) => `${folderOf(name)}/[name]-[hash].js`,
        chunkFileNames: ({ name }) => `${folderOf(name)}/[name]-[hash].js`,
        assetFileNames: ({ names }) => `${folderOf(names[0] ?? "")}/[name]-[hash][extname]`,
        // What stands around every screen is one file: it compresses better than ten.
        codeSplitting: { groups: [{ name: "frame", test: FRAME }] },
      },
    },
  },
  worker: {
    format: "es",
    plugins: () => [formTemplate(), viewerHash()],
    rollupOptions: {
      checks: { pluginTimings: false },
      output: {
        entryFileNames: ({ name }) => `${folderOf(name)}/[name]-[hash].js`,
        chunkFileNames: ({ name }) => `${folderOf(name)}/[name]-[hash].js`,
        assetFileNames: ({ names }) => `${folderOf(names[0] ?? "")}/[name]-[hash][extname]`,
      },
    },
  },
});
