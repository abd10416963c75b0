import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS } from "#pefd/cli/commands.js";
import { parseArguments } from "#pefd/cli/invoke.js";
import { PefdError } from "#pefd/common/errors.js";
import { createRandom, type Random } from "#pefd/common/random.js";
import { resolveRows, rowsOf } from "#pefd/config/resolve.js";

const LINES = 200;

/** Words that a shell may hand over by mistake, or by malice. */
const ODD = [
  "--",
  "-",
  "--=",
  "--=1",
  "-=",
  "--no-",
  "--no_",
  "-h",
  "-x",
  "-xyz",
  "--a.b=1",
  "--a",
  "1",
  "",
  "x".repeat(500),
  "\u001b[2J",
  "--\u001b=1",
  "ü",
  "--help=false",
  "-1",
  "--_",
  "--$0",
  "--no-help",
  "--constructor",
  "--no-constructor",
  "--__proto__=1",
  "--toString",
  "--hasOwnProperty=1",
];

const oneOf = <T>(values: readonly T[], random: Random): T => values[random.integer(values.length)] as T;

function word(names: readonly string[], random: Random): string {
  const name = oneOf(names, random);
  const odd = oneOf(ODD, random);
  return oneOf([odd, odd, `--${name}`, `--${name}=${odd}`, `--no-${name}`], random);
}

test("positional words stay as they were typed, numbers among them", async () => {
  const entry = COMMANDS.find(({ name }) => name === "report");
  assert.ok(entry);
  const { command } = await entry.load();
  const { positionals } = parseArguments("report", command, ["007", "1e3", "save"]);
  assert.deepEqual(positionals, ["007", "1e3", "save"]);
});

const flagsOf = async (name: string, argv: readonly string[]) => {
  const entry = COMMANDS.find((row) => row.name === name);
  assert.ok(entry);
  return parseArguments(name, (await entry.load()).command, argv).flags;
};

test("of a repeated flag the last value counts, under each of its names; lists keep all", async () => {
  const repeated = [
    "--epochs",
    "1",
    "--epochs=2",
    "-b",
    "1",
    "--beta",
    "2",
    "--batch-size",
    "1",
    "--batch_size",
    "2",
    "--gpuNum",
    "0",
    "--gpu",
    "2",
    "--no-resume",
    "--resume",
  ];
  const { epochs, beta, batch_size, gpu, resume } = await flagsOf("distill", repeated);
  assert.deepEqual([epochs, beta, batch_size, gpu, resume], ["2", "2", "2", "2", true]);
  const { resume: off } = await flagsOf("distill", ["--resume", "--no-resume"]);
  assert.equal(off, false);
  const { out } = await flagsOf("data synthesize", ["--out", "a", "--data", "b"]);
  assert.equal(out, "b", "the folder of the images has the name that it has everywhere");
  const { checkpoint } = await flagsOf("eval", ["--checkpoint", "a", "--checkpoint", "b"]);
  assert.deepEqual(checkpoint, ["a", "b"]);
});

test("names that every object has are no flags", async () => {
  for (const { name, load } of COMMANDS) {
    const { command } = await load();
    for (const flag of Object.getOwnPropertyNames(Object.prototype)) {
      assert.throws(
        () => parseArguments(name, command, [`--${flag}`, "1"]),
        (error: PefdError) => error.exitCode === 2 && /has no flag/.test(error.message),
      );
    }
  }
});

test(`${LINES} odd lines for each command are taken, or refused in a sentence`, async () => {
  const random = createRandom(1, "odd lines");
  for (const { name, load } of COMMANDS) {
    const { command } = await load();
    const names = Object.keys(rowsOf(command.sections));
    for (let line = 0; line < LINES; line++) {
      const argv = Array.from({ length: 1 + random.integer(5) }, () => word(names, random));
      try {
        const { flags: values } = parseArguments(name, command, argv);
        resolveRows(command.sections, [{ label: String, origin: String, values }]);
      } catch (error) {
        assert.ok(error instanceof PefdError, `${name} ${JSON.stringify(argv)}: ${error}`);
      }
    }
  }
});
