// Runs a project's tests in node, TypeScript too: `node test.mjs [FOLDER]`.
//
// A node that reads TypeScript by itself runs the files as they are; for an older one esbuild takes the types away, which
// `cardea policy build` has installed.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

const project = resolve(process.argv[2] ?? ".");
const folders = [project, join(project, "src"), join(project, "test")].filter((folder) => existsSync(folder));
const isTest = (name) => /\.test\.(ts|js|mjs)$/.test(name);
const files = folders.flatMap((folder) => readdirSync(folder).filter(isTest).map((name) => join(folder, name)));
if (files.length === 0) fail("there is no *.test.ts or *.test.js here");

const run = (args) => process.exit(spawnSync(process.execPath, ["--test", ...args], { stdio: "inherit", cwd: project }).status ?? 1);

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** The newest esbuild in the cache of tools. */
function esbuild() {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "cardea");
  const found = existsSync(cache) ? readdirSync(cache).filter((name) => /^esbuild-[\d.]+$/.test(name)) : [];
  if (found.length === 0) fail("this node does not read TypeScript: run `cardea policy build` once, which installs esbuild, or take node 23.6 or later");
  return createRequire(join(cache, found.sort().at(-1), "package.json"))("esbuild");
}

if (process.features.typescript || files.every((file) => !file.endsWith(".ts"))) run(files);

const outdir = join(project, ".cardea/build/test");
rmSync(outdir, { recursive: true, force: true });
mkdirSync(outdir, { recursive: true });
await esbuild().build({ entryPoints: files, outdir, outbase: project, bundle: true, platform: "node", format: "esm", sourcemap: "inline", outExtension: { ".js": ".mjs" }, logLevel: "error" });
const built = files.map((file) => join(outdir, file.slice(project.length).replace(/\.(ts|js|mjs)$/, ".mjs")));
run(["--enable-source-maps", ...built]);
