import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { Problem } from "../setup/problem.js";
import { run } from "../setup/run.js";
import { digestOf, digestOfText, forgetUnused, markUsed } from "./objects.js";

/** Few optimisations, so that sanitizers see the code as written, but FMAs, for the same bits. */
const UNOPTIMIZED = ["-g1", "-O1", "-fexpensive-optimizations"];

/** Compiler flags of the tests of src/native, after those of setup; the last -O counts. */
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

/** The AVX-512 code compiled to AVX2 instructions, so that any CPU can run it (test/native/test_host.h). */
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

/** The AMX and VNNI kernels with loops instead of those instructions, so that any CPU can run them. */
const LOOPS = ["amx", "int16"].flatMap((folder) =>
  [[`-DKERNELS=${folder}LoopKernels`], [`-DKERNELS=${folder}LoopBfloat16Kernels`, "-DPEFD_BFLOAT16_ACTIVATIONS"]].map(
    (flags) => ({
      source: `kernels/${folder}/kernels.cc`,
      flags: [...flags, "-DPEFD_VECTOR_WIDTH=16", "-Wno-psabi", "-mavx2", "-mfma", "-O2", "-ffp-contract=off"],
    }),
  ),
);

/** The reference is not under test: no sanitizers, and no FMA contraction. */
const REFERENCE = { source: "reference.cc", flags: ["-O2", "-ffp-contract=off"], isTrusted: true };

const testFiles = (tests) =>
  readdirSync(tests, { recursive: true })
    .filter((name) => name.endsWith(".cc") && name !== REFERENCE.source)
    .sort()
    .map((source) => ({ source, flags: ["-O2"] }));

/** All compilation units: the library's files as setup compiles them, and the tests. */
async function unitsOf({ sources, tests, variant, objects }) {
  const { COMMON, standaloneUnits } = await import("../../dist/runtime/setup/nativeModules.js");
  const units = [
    ...[...standaloneUnits(), WIDE, ...LOOPS].map((unit) => ({ ...unit, folder: sources })),
    ...[REFERENCE, ...testFiles(tests)].map((unit) => ({ ...unit, folder: tests })),
  ];
  return units.map(({ source, folder, flags, isTrusted }) => {
    const all = [...COMMON, ...STRICT, ...flags, ...(isTrusted ? [] : VARIANTS[variant])];
    const file = join(folder, source);
    const object = join(objects, `${basename(source)}-${digestOf(file, all)}.o`);
    return { arguments: [...all, "-c", file], object };
  });
}

/** @throws {Problem} when it does not compile; the compiler has printed why */
async function compiler(args, output) {
  const part = `${output}.${process.pid}.part`;
  const code = await run("g++", [...args, "-o", part]);
  if (code === 127) {
    throw new Problem("g++ is not there.", "On Debian or Ubuntu: sudo apt install g++");
  }
  if (code !== 0) throw new Problem("The tests of src/native did not compile.", "", 1);
  renameSync(part, output);
}

/** Does some work, one piece per CPU at a time. */
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
