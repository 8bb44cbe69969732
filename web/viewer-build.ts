import { createHash } from "node:crypto";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { gzipSync } from "fflate";
import { build, type Plugin, type Rolldown } from "vite";
import { VIEWER_CONNECTS, VIEWER_MAX_BYTES, VIEWER_NAME } from "../src/protocol/bundle.ts";

const folder = fileURLToPath(new URL("./viewer", import.meta.url));
const part = (name: string): string => path.join(folder, name);

/**
 * The viewer as one HTML file that opens, plays and verifies a bundle from a disk: everything is
 * inside, and its policy lets nothing in or out. The same tree gives the same bytes.
 *
 * The script is packed, since in the clear it would be half as large again as it may be. The policy
 * names the hash of what is unpacked, so that only that can run.
 */
export async function buildViewer(): Promise<string> {
  const { script, style } = await bundleViewer();
  const policy = [
    "default-src 'none'",
    `script-src '${hashSource(LOADER)}' '${hashSource(script)}'`,
    `style-src '${hashSource(style)}'`,
    "img-src data: blob:",
    "media-src blob:",
    VIEWER_CONNECTS.nowhere,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types svelte-trusted-html doorward-viewer",
  ].join("; ");
  const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex, nofollow">
<title>Doorward viewer</title>
<style>${style}</style>
</head>
<body>
<div id="viewer"><p id="too-old" hidden>This browser is too old for this page. Ce navigateur est trop ancien.</p></div>
<noscript>This page checks and opens recordings in your browser: it needs JavaScript.</noscript>
<script type="text/plain" id="packed">${pack(script)}</script>
<script>${LOADER}</script>
</body>
</html>
`;
  const sizeBytes = Buffer.byteLength(page);
  if (sizeBytes > VIEWER_MAX_BYTES)
    throw new Error(`the viewer has ${sizeBytes} bytes; it may have ${VIEWER_MAX_BYTES}`);
  return page;
}

/** Unpacks the script and runs it: gzip, in base64. */
const LOADER = `(async () => {
  try {
    const packed = atob(document.getElementById("packed").textContent);
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const text = await new Response(stream).text();
    const rules = { createScript: (script) => script };
    const policy = globalThis.trustedTypes?.createPolicy("doorward-viewer", rules);
    const script = document.createElement("script");
    script.text = policy ? policy.createScript(text) : text;
    document.head.append(script);
  } catch (error) {
    document.getElementById("too-old").hidden = false;
    throw error;
  }
})();`;

/** By the lock file's own code, not the system's: another zlib gives other bytes. */
function pack(script: string): string {
  const packed = gzipSync(Buffer.from(script), { level: 9, mtime: 0 });
  return Buffer.from(packed).toString("base64");
}

const HASH_MODULE = "virtual:viewer-sha256";

/** Writes the viewer beside the page. */
export function viewer(): Plugin {
  return {
    name: "viewer",
    async generateBundle() {
      this.emitFile({ type: "asset", fileName: VIEWER_NAME, source: await builtOnce() });
    },
  };
}

/** Lets the page's vault import the viewer's SHA-256: an owner's device signs for no other. */
export function viewerHash(): Plugin {
  return {
    name: "viewer-sha256",
    resolveId: (id) => (id === HASH_MODULE ? `\0${HASH_MODULE}` : null),
    load: async (id) => {
      if (id !== `\0${HASH_MODULE}`) return null;
      const sha256 = createHash("sha256")
        .update(await builtOnce())
        .digest("hex");
      return `export default ${JSON.stringify(sha256)};`;
    },
  };
}

let built: Promise<string> | null = null;

function builtOnce(): Promise<string> {
  built ??= buildViewer();
  return built;
}

async function bundleViewer(): Promise<{ script: string; style: string }> {
  const result = await build({
    configFile: false,
    root: folder,
    logLevel: "error",
    mode: "production",
    plugins: [
      smaller(),
      svelte({
        configFile: false,
        compilerOptions: {
          runes: true,
          // By what it says, not by where this clone lies.
          cssHash: ({ hash, css }) => `s-${hash(css)}`,
        },
      }),
    ],
    build: {
      write: false,
      target: "es2022",
      sourcemap: false,
      modulePreload: false,
      cssCodeSplit: false,
      rollupOptions: {
        checks: { pluginTimings: false },
        input: part("main.ts"),
        output: { format: "iife" },
      },
    },
  });
  const [{ output }] = [result].flat() as [Rolldown.RolldownOutput];
  const script = output.find((file) => file.type === "chunk")?.code ?? "";
  const style = output.find(({ fileName }) => fileName.endsWith(".css"));
  if (output.length !== 2 || style?.type !== "asset")
    throw new Error(`the viewer is ${output.length} files, not a script and a style`);
  return {
    script: script.trim(),
    style: String(style.source).trim(),
  };
}

const TYPEBOX = "\0virtual:typebox-parts";

/** The same libraries without what no format of ours uses, and each of them once. */
function smaller(): Plugin {
  return {
    name: "smaller",
    enforce: "pre",
    async resolveId(id, importer) {
      if (id === "typebox" || id === "typebox/value") return TYPEBOX;
      const isOfTypebox = importer?.includes("/node_modules/typebox/") === true;
      if (isOfTypebox && id.endsWith("format/index.mjs")) return part("typebox-no-formats.ts");
      const isNested = importer?.includes("/node_modules/@noble/post-quantum/") === true;
      if (isNested && /^@noble\/(?:curves|hashes)\//.test(id))
        return this.resolve(id, part("main.ts"), { skipSelf: true });
      return null;
    },
    load: (id) =>
      id === TYPEBOX
        ? `export { Type as default, Value } from ${JSON.stringify(part("typebox-parts.ts"))};`
        : null,
  };
}

function hashSource(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
