// Puts a brotli and a gzip copy beside every text file of the built dashboard, so that the server
// never compresses. Called by build.rs: node compress.mjs FOLDER
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const folder = process.argv[2];
const worthwhile = /\.(html|js|mjs|css|svg|json|txt|map|webmanifest)$/;

for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !worthwhile.test(entry.name)) continue;
  const path = join(entry.parentPath, entry.name);
  const data = readFileSync(path);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length } };
  for (const [suffix, copy] of [[".br", brotliCompressSync(data, quality)], [".gz", gzipSync(data, { level: 9 })]]) {
    // A copy that saves next to nothing only makes the binary larger.
    if (copy.length < data.length * 0.9) writeFileSync(path + suffix, copy);
  }
}
