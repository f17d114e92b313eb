// From an author's sources to one module for the component's runtime, and what it imports and exports.
//
//   node bundle.mjs MAIN OUT_FOLDER ESBUILD_FOLDER
//
// Writes OUT_FOLDER/policy.js and OUT_FOLDER/surface.json: {"imports": ["exchange", ..], "exports": ["lifecycle", ..]}.
// What the sources do not use is not in the module, so it is no capability of the policy.

import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { isPolicy, phasesOf } from "../src/policy.js";
import { lineTable } from "./lines.mjs";

const [main, out, esbuildFolder] = process.argv.slice(2).map((path) => resolve(path));
const sdk = join(dirname(fileURLToPath(import.meta.url)), "../src");
const project = dirname(main);
const esbuild = createRequire(join(esbuildFolder, "package.json"))("esbuild");

const HOST = "cardea:policy/";
const INTERFACES = { onRequest: "on-request", onRequestBody: "on-request-body", onResponse: "on-response", onComplete: "on-complete" };

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const shared = { bundle: true, format: "esm", logLevel: "error", absWorkingDir: project, legalComments: "none", sourcesContent: false };

/** esbuild has told what is wrong already, with file and line. */
async function bundled(options) {
  try {
    return await esbuild.build({ ...shared, ...options });
  } catch {
    return process.exit(1);
  }
}

/** Types are checked where the project has a TypeScript of its own. */
function checkTypes() {
  const tsc = join(project, "node_modules/.bin/tsc");
  if (!existsSync(tsc) || !existsSync(join(project, "tsconfig.json"))) return;
  const run = spawnSync(tsc, ["--noEmit", "--pretty", "false", "-p", project], { stdio: ["ignore", "pipe", "inherit"] });
  if (run.status !== 0) fail(String(run.stdout).trim());
}

/** Runs the sources here, with doubles in place of the host, to see which phases the policy has. */
async function phases() {
  const outfile = join(out, "inspected.mjs");
  await bundled({ entryPoints: [main], platform: "node", sourcemap: "inline", outfile });
  process.setSourceMapsEnabled(true);
  let found;
  try {
    found = await import(`${pathToFileURL(outfile)}?${Date.now()}`);
  } catch (error) {
    fail(error?.stack ?? String(error));
  }
  if (!isPolicy(found.default)) fail(`${relative(project, main)}: export the policy: export default policy({ onRequest(request) { .. } })`);
  return phasesOf(found.default);
}

const text = JSON.stringify;

/** The module that the runtime starts with. A policy that logs also logs what its phases throw. */
function entry(names, logs) {
  return [
    `import definition from ${text(main)};`,
    `import { component } from ${text(join(sdk, "component.js"))};`,
    logs ? `import { error } from ${text(join(sdk, "log.js"))};` : "const error = undefined;",
    "const made = component(definition, error);",
    ...["lifecycle", ...names].map((name) => `export const ${name} = made.${name};`),
  ].join("\n");
}

const policyBundle = (contents) =>
  bundled({
    stdin: { contents, resolveDir: project, sourcefile: "entry.js", loader: "js" },
    conditions: ["cardea-component"],
    external: [`${HOST}*`],
    target: "es2023",
    platform: "neutral",
    mainFields: ["module", "main"],
    inject: [join(sdk, "globals.js")],
    define: { "Date.now": "cardeaNow", "Math.random": "cardeaRandom" },
    metafile: true,
    sourcemap: "external",
    write: false,
    outfile: join(out, "policy.js"),
  });

const importsOf = ({ metafile }) => {
  const names = Object.values(metafile.outputs).flatMap((output) => output.imports.map((each) => each.path));
  return [...new Set(names)].filter((name) => name.startsWith(HOST)).map((name) => name.slice(HOST.length).split("@")[0]);
};

checkTypes();
const names = await phases();
let result = await policyBundle(entry(names, false));
if (importsOf(result).includes("log")) result = await policyBundle(entry(names, true));
const find = (suffix) => result.outputFiles.find((file) => file.path.endsWith(suffix)).text;
const table = lineTable(JSON.parse(find(".map")), out, project, dirname(sdk));
writeFileSync(join(out, "policy.js"), `${find("policy.js")}\nglobalThis.__cardeaLines = ${text(table)};\n`);
const surface = { imports: importsOf(result), exports: ["lifecycle", ...names.map((name) => INTERFACES[name])] };
writeFileSync(join(out, "surface.json"), text(surface));
