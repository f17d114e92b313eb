// From the bundled module to a component, with QuickJS in it.
//
//   node componentize.mjs FOLDER TOOLCHAIN_FOLDER
//
// FOLDER has policy.js and world.wit (its world `built`); gets policy.wasm.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [folder, toolchain] = process.argv.slice(2).map((path) => resolve(path));
const { componentize } = createRequire(join(toolchain, "package.json"))("componentize-qjs");

try {
  const { component } = await componentize({
    witPath: join(folder, "world.wit"),
    world: "built",
    jsSource: readFileSync(join(folder, "policy.js"), "utf8"),
    sync: true,
    stubWasi: true,
  });
  writeFileSync(join(folder, "policy.wasm"), component);
} catch (error) {
  process.stderr.write(`${error?.message ?? error}\n`);
  process.exit(1);
}
