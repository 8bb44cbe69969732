// Builds the page where it is older than its sources. As in set-up.mjs: Node's own modules only.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { brotliCompressSync, constants as zlib, gzipSync } from "node:zlib";
import { root, say, sha256, takeLock } from "./set-up-common.mjs";

const pageFolder = path.join(root, "web/dist");
const pageStampPath = path.join(pageFolder, ".doorward-stamp");
/** What the page is made of. Its build needs no more than a production installation has. */
const PAGE_SOURCES = [
  ...["package-lock.json", "web", "src/owner", "src/protocol", "src/blur"],
  "models/ultraface.onnx",
];
const COMPRESSED = /\.(?:js|mjs|css|html|svg|json|wasm|webmanifest)$/;
const COMPRESSED_BYTES_MIN = 1_024;

/** Builds what is older than its sources. The hub runs without it, and says that it is missing. */
export async function buildPage(node) {
  if (!existsSync(path.join(root, "web/index.html"))) return true;
  const stamp = stampOfPage();
  if (isPageBuilt(stamp)) return true;
  const lock = path.join(tmpdir(), `doorward-page-${sha256(root).slice(0, 16)}`);
  if (!(await takeLock(lock, "build the page"))) return false;
  try {
    if (isPageBuilt(stamp)) return true;
    say("Building the page ...");
    rmSync(pageStampPath, { force: true });
    const vite = path.join(root, "node_modules/vite/bin/vite.js");
    const words = ["build", "web", "--logLevel", "warn"];
    const { status } = spawnSync(node, [vite, ...words], { cwd: root, stdio: ["ignore", 2, 2] });
    if (status !== 0) {
      say("Cannot build the page: its build failed, its words are above.");
      return false;
    }
    compressPage();
    writeFileSync(pageStampPath, stamp);
    return true;
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function isPageBuilt(stamp) {
  return existsSync(pageStampPath) && readFileSync(pageStampPath, "utf8") === stamp;
}

/** Over the names and the bytes of every source. */
function stampOfPage() {
  const lines = PAGE_SOURCES.flatMap(filesBelow).map(
    (name) => `${sha256(readFileSync(path.join(root, name)))} ${name}\n`,
  );
  return `${sha256(lines.join(""))}\n`;
}

function filesBelow(name) {
  if (name === "web/dist") return [];
  const entries = tryReadDirectory(path.join(root, name));
  if (entries === null) return [name];
  return [...entries]
    .sort((one, other) => (one < other ? -1 : 1))
    .flatMap((entry) => filesBelow(`${name}/${entry}`));
}

function tryReadDirectory(folder) {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error.code === "ENOTDIR") return null;
    throw error;
  }
}

/** Once here, instead of at every request on a small machine. */
function compressPage() {
  for (const name of readdirSync(pageFolder, { recursive: true })) {
    const file = path.join(pageFolder, name);
    if (!COMPRESSED.test(name)) continue;
    const bytes = readFileSync(file);
    if (bytes.length < COMPRESSED_BYTES_MIN) continue;
    const params = { [zlib.BROTLI_PARAM_QUALITY]: 9, [zlib.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    for (const [ending, compressed] of [
      ["br", brotliCompressSync(bytes, { params })],
      ["gz", gzipSync(bytes, { level: 9 })],
    ])
      if (compressed.length < bytes.length) writeFileSync(`${file}.${String(ending)}`, compressed);
  }
}
