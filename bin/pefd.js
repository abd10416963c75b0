#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";

const SUPPORTED = 20;

/** A checkout has a setup of its own; a package that npm has installed is whole, or is to be installed again. */
function refuse(what) {
  const isCheckout = existsSync(new URL("../scripts/setup.js", import.meta.url));
  const next = isCheckout ? "In pefd's folder, type: npm run setup" : "Install pefd again.";
  process.stderr.write(`${what}\n${next}\n`);
  process.exit(3);
}

/** Node.js opens the modules of a library all at once; that of the plots has hundreds. */
const LEAST_FILES = 512;

/** Files that this process may have open at a time; endless where the system does not tell. */
function allowedFiles() {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  } catch (error) {
    return error.code === "EMFILE" ? 0 : Number.POSITIVE_INFINITY;
  }
}

function checkFiles() {
  const allowed = allowedFiles();
  if (allowed >= LEAST_FILES) return;
  process.stderr.write(
    `pefd needs ${LEAST_FILES} open files at a time; this shell allows ${allowed}.\nType: ulimit -n ${LEAST_FILES}\n`,
  );
  process.exit(3);
}

/** Deprecations of Node.js itself are for us, not for users; they stay for who asks for them. */
function silenceDeprecations() {
  process.noDeprecation ||= !(process.traceDeprecation || process.throwDeprecation);
}

async function start(argv) {
  const { main } = await import("../dist/cli/main.js");
  return main(argv);
}

if (Number.parseInt(process.versions.node, 10) < SUPPORTED) {
  refuse(`pefd needs Node.js ${SUPPORTED} or newer; this is ${process.version}.`);
}
silenceDeprecations();
checkFiles();
try {
  process.exitCode = await start(process.argv.slice(2));
} catch (error) {
  if (error?.code !== "ERR_MODULE_NOT_FOUND") throw error;
  refuse(`pefd is not set up here: ${error.message.split("\n")[0]}.`);
}
