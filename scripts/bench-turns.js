// Times steps of pefd's graph engine and of PyTorch in turns, so that a machine's slow minutes meet both:
//
//   node scripts/bench-turns.js [--what distill,teacher] [--batch 16,64] [--models NAME,...] [--rounds 4] [--steps 6]
//
// --models times the training of each model instead. PEFD_PYTHON names a Python that has PyTorch. Of every round each side
// gives the median of a step by precision, PyTorch that of its faster layout. Printed are the medians of the rounds, the
// smallest and the largest, and the median of the rounds' quotients of both sides' best precision. Variables that choose
// instructions (PEFD_CONVOLUTIONS, ONEDNN_MAX_CPU_ISA) reach both sides.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { columns, renderMarkdown } from "../dist/report/table.js";

const root = join(fileURLToPath(import.meta.url), "../..");
const text = (value) => ({ type: "string", default: value });
const { values } = parseArgs({
  options: {
    what: text("distill,teacher"),
    batch: text("16,64"),
    models: text(""),
    rounds: text("4"),
    steps: text("6"),
    precision: text("float32,bfloat16"),
  },
});

const documentOf = (command, words) =>
  JSON.parse(
    execFileSync(command, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
  );

const resultsOf = (model, batch) => ({
  pefd: documentOf(process.execPath, [
    ...[join(root, "bin/pefd.js"), "bench", "--engine", "graph", "--json"],
    ...["--batch_size", batch, "--steps", values.steps, "--precision", values.precision],
    ...(model === "" ? ["--what", values.what] : ["--what", "teacher", "--model_t", model]),
  ]).results,
  PyTorch: documentOf(process.env.PEFD_PYTHON ?? "python3", [
    ...[join(root, "scripts/bench-pytorch.py"), "--json"],
    ...["--batch-size", batch, "--steps", values.steps, "--repeats", "3"],
    ...(model === "" ? ["--what", values.what] : ["--what", "teacher", "--teacher", model]),
  ]).results,
});

const sides = ["pefd", "PyTorch"];
const precisions = values.precision.split(",");
// Milliseconds by work, side and precision: one number for each round.
const times = new Map();

function note(side, batch, results) {
  for (const what of new Set(results.map((one) => one.what))) {
    const work = `${what}, batch ${batch}`;
    const known = times.get(work) ?? {};
    times.set(work, known);
    for (const precision of precisions) {
      const some = results.filter((one) => one.what === what && one.precision === precision);
      if (some.length === 0) continue;
      known[`${side} ${precision}`] ??= [];
      known[`${side} ${precision}`].push(Math.min(...some.map(({ stepMs }) => stepMs)));
    }
  }
}

for (const batch of values.batch.split(",")) {
  for (const model of values.models.split(",")) {
    for (let round = 1; round <= Number(values.rounds); round++) {
      process.stderr.write(`batch ${batch} ${model}: round ${round} of ${values.rounds}\n`);
      for (const [side, results] of Object.entries(resultsOf(model, batch))) {
        note(side, batch, results);
      }
    }
  }
}

const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
function median(numbers) {
  const ordered = sorted(numbers);
  const [low, high] = [Math.floor, Math.ceil].map(
    (round) => ordered[round((ordered.length - 1) / 2)],
  );
  return (low + high) / 2;
}
const digits = (number) => number.toFixed(number < 20 ? 1 : 0);
function cell(numbers) {
  if (numbers === undefined) return "-";
  const ordered = sorted(numbers);
  return `${digits(median(ordered))} (${digits(ordered[0])}-${digits(ordered.at(-1))})`;
}

/** Of one side, the fastest precision of each round. */
const best = (known, side) => {
  const all = precisions.map((precision) => known[`${side} ${precision}`]).filter(Boolean);
  return all[0].map((_, round) => Math.min(...all.map((numbers) => numbers[round])));
};

const heads = sides.flatMap((side) => precisions.map((precision) => `${side} ${precision}`));
const rows = [...times].map(([work, known]) => {
  const [ours, theirs] = sides.map((side) => best(known, side));
  const ratio = median(ours.map((number, round) => number / theirs[round]));
  return [work, ...heads.map((head) => cell(known[head])), ratio.toFixed(2)];
});
console.log(
  renderMarkdown({
    columns: columns("what", ...heads.map((head) => `>${head}`), ">best over best"),
    rows,
  }),
);
