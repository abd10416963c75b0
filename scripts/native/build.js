import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { Problem } from "../setup/problem.js";
import { run } from "../setup/run.js";
import { digestOf, digestOfText, forgetUnused, markUsed } from "./objects.js";

/** Few optimisations, so that sanitizers see what was written, but products joined with sums, for the same bits. */
const UNOPTIMIZED = ["-g1", "-O1", "-fexpensive-optimizations"];

/** How the tests of src/native are compiled: flags after those of set-up, of which the last -O counts. */
export const VARIANTS = {
  plain: [],
  "address and undefined": [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
    ...UNOPTIMIZED,
  ],
  thread: ["-fsanitize=thread", ...UNOPTIMIZED],
};

/** In tests a warning is an error. */
const STRICT = ["-Werror"];

/** The code for AVX-512 in the instructions of AVX2, so that any CPU can run it (test/native/hosts.h). */
const WIDE = {
  source: "kernels/kernels.cc",
  flags: [
    "-DKERNELS=wideKernels",
    "-DPEFD_VECTOR_WIDTH=16",
    "-Wno-psabi",
    "-mavx2",
    "-mfma",
    "-O1",
    "-fexpensive-optimizations",
  ],
};

/** The AMX and VNNI code with loops in place of their instructions, so that any CPU can run it. */
const LOOPS = [
  ["amx/kernels.cc", "loopKernels"],
  ["amx/narrow.cc", "loopNarrowKernels"],
  ["int16/kernels.cc", "integerLoopKernels"],
  ["int16/narrow.cc", "integerLoopNarrowKernels"],
].map(([source, name]) => ({
  source: `kernels/${source}`,
  flags: [`-DKERNELS=${name}`, "-DPEFD_VECTOR_WIDTH=16", "-Wno-psabi", "-mavx2", "-mfma", "-O2", "-ffp-contract=off"],
}));

/** What results are compared with is not under test: no sanitizers, and every operation rounds. */
const REFERENCE = { source: "reference.cc", flags: ["-O2", "-ffp-contract=off"], isTrusted: true };

const testFiles = (tests) =>
  readdirSync(tests, { recursive: true })
    .filter((name) => name.endsWith(".cc") && name !== REFERENCE.source)
    .map((source) => ({ source, flags: ["-O2"] }));

/** Everything that is compiled: the library's own files as set-up compiles them, and the tests. */
async function unitsOf({ sources, tests, variant, objects }) {
  const { COMMON, STANDALONE } = await import("../../dist/runtime/setup/nativeModules.js");
  const units = [
    ...[...STANDALONE, WIDE, ...LOOPS].map((unit) => ({ ...unit, folder: sources })),
    ...[REFERENCE, ...testFiles(tests)].map((unit) => ({ ...unit, folder: tests })),
  ];
  return units.map(({ source, folder, flags, isTrusted }) => {
    const all = [...COMMON, ...STRICT, ...flags, ...(isTrusted ? [] : VARIANTS[variant])];
    const file = join(folder, source);
    const object = join(objects, `${basename(source)}-${digestOf(file, all)}.o`);
    return { arguments: [...all, "-c", file], object };
  });
}

/** @throws {Problem} when the compiler does not take it; it has said why */
async function compiler(args, output) {
  const part = `${output}.${process.pid}.part`;
  const code = await run("g++", [...args, "-o", part]);
  if (code === 127) {
    throw new Problem("g++ is not there.", "On Debian or Ubuntu: sudo apt install g++");
  }
  if (code !== 0) throw new Problem("The tests of src/native did not compile.", "", 1);
  renameSync(part, output);
}

/** Does some work, as many pieces at a time as there are CPUs. */
async function inParallel(pieces, work) {
  const waiting = [...pieces];
  const worker = async () => {
    for (let piece = waiting.shift(); piece; piece = waiting.shift()) await work(piece);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

/**
 * Compiles the tests of src/native, or what has changed since they were compiled last. pefd itself must be compiled.
 * @param {{ sources: string, tests: string, objects: string, variant: string }} settings the folders of the library
 * and of the tests, the folder that keeps what is compiled, and a key of VARIANTS
 * @returns {Promise<string>} the program
 * @throws {Problem} when it does not compile
 */
export async function buildNativeTests(settings) {
  const { objects, variant } = settings;
  mkdirSync(objects, { recursive: true });
  const units = await unitsOf(settings);
  const compiled = units.map(({ object }) => object);
  await inParallel(
    units.filter(({ object }) => !existsSync(object)),
    (unit) => compiler(unit.arguments, unit.object),
  );
  const program = join(objects, `tests-${digestOfText(compiled.join())}`);
  if (!existsSync(program)) {
    await compiler([...VARIANTS[variant], ...compiled, "-pthread"], program);
  }
  markUsed([...compiled, program]);
  forgetUnused(objects);
  return program;
}
