import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nativeModulesHash } from "./nativeModules.js";
import { TENSORFLOW_VERSION } from "./wheels.js";

function nameFor(packageFolder: string): string {
  const text = readFileSync(join(packageFolder, "package.json"), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  return `tfjs-${version}-tensorflow-${TENSORFLOW_VERSION}-napi-8-linux-x64-${nativeModulesHash()}`;
}

const names = new Map<string, string>();

/** A name for all that set-up compiles: it changes with every source. Node-API 8 serves every supported Node.js. */
export function bindingName(packageFolder: string): string {
  const name = names.get(packageFolder) ?? nameFor(packageFolder);
  names.set(packageFolder, name);
  return name;
}
