import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withMany } from "../helpers/matrices.js";
import { ROOT } from "../helpers/paths.js";
import { type Ended, runProgram } from "../helpers/pefd.js";
import { lacksBfloat16 } from "../helpers/processor.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { pretendGpu } from "./pretended/pretendedGpu.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

const check = (project: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> =>
  runProgram("bash", [join(project, "scripts/gpu-check.sh"), ...words], { env });

/** The report's table: what each part came to. */
function verdicts(report: string): Map<string, string> {
  const rows = report.split("\n").filter((line) => /^\| .* \|$/.test(line));
  return new Map(rows.slice(1).map((row) => row.split(" | ").slice(0, 2) as [string, string]));
}

const title = "gpu-check.sh tells of every part in one report, on a machine without a GPU as well";
test(title, { skip: lacksBfloat16 }, async (t) => {
  const report = join(temporaryFolder(t), "report.md");
  const env = { ...process.env, PEFD_PYTHON: "/nowhere/python", PEFD_RUNTIME: "cpu" };
  const { exitCode, stdout, stderr } = await check(ROOT, ["--quick", "--report", report], env);
  const text = readFileSync(report, "utf8");
  assert.equal(exitCode, 0, text);
  assert.match(stderr, /\d+ s; the report lies in /);
  const lines = stdout.trim().split("\n");
  assert.equal(readFileSync(`${report}.jsonl`, "utf8"), stdout, "each line was printed");
  const known = lines.map((line) => JSON.parse(line));
  const timed = known.find(({ part }) => part === "Step times: distill, bfloat16, turn 1");
  assert.ok(timed.result.results[0].stepMs > 0);
  assert.equal(known.find(({ part }) => part === "The GPU's arithmetic").result.ok, true);
  const document = join(report, "../gpu.md");
  writeFileSync(document, "# GPUs\n\n<!-- gpu-tables -->\n\nEnd\n");
  const table = [join(ROOT, "scripts/gpu-table.js"), `${report}.jsonl`, document];
  assert.equal((await runProgram(process.execPath, table, { env })).exitCode, 0);
  const once = readFileSync(document, "utf8");
  assert.match(once, /\| Step times: distill, bfloat16, turn 1 \| ok \| \d+ \| .*graph, bfloat16: \d+\.\d\d ms a step/);
  assert.match(once, /^# GPUs\n\n<!-- gpu-table: CPU [\s\S]*<!-- \/gpu-table -->\n\n<!-- gpu-tables -->\n\nEnd\n$/);
  await runProgram(process.execPath, table, { env });
  assert.equal(readFileSync(document, "utf8"), once, "the same GPU's table is replaced");
  const parts = [...verdicts(text)];
  assert.ok(parts.length >= 9, text);
  for (const [part, verdict] of parts) {
    assert.match(verdict, /PyTorch/.test(part) ? /^left out: \/nowhere/ : /^ok$/, part);
  }
  assert.match(text, /^ok +TensorFlow/m, "what doctor says");
  assert.match(text, /of its bound: .* ok$/m, "golden numbers with their bounds");
  assert.match(text, /^ *\d+ s {2}epoch 1\/1/m, "when the first epoch was done");
  assert.match(text, /weightsSha256/);
});

test("gpu-check.sh refuses words that it does not know", async () => {
  for (const words of [
    ["--fast"],
    ["--data"],
    ["--minutes", "soon"],
    ["--report", join(ROOT, "package.json/report.md")],
  ]) {
    const { exitCode, stderr } = await check(ROOT, words, process.env);
    assert.equal(exitCode, 2, words.join(" "));
    assert.notEqual(stderr, "");
  }
});

test("gpu-check.sh: a part that takes too long costs its own result, and the rest is said to be left out", async (t) => {
  const report = join(temporaryFolder(t), "report.md");
  // Node.js stands still in whatever pefd does.
  const hang = join(report, "../hang.cjs");
  writeFileSync(
    hang,
    'if (/bin.pefd/.test(process.argv[1] ?? "")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
  );
  const env = {
    ...process.env,
    PEFD_PYTHON: "/nowhere/python",
    PEFD_RUNTIME: "cpu",
    NODE_OPTIONS: `--require ${hang}`,
  };
  const { exitCode, stdout } = await check(ROOT, ["--quick", "--minutes", "1", "--report", report], env);
  assert.equal(exitCode, 1);
  const verdicts = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).verdict);
  assert.equal(verdicts[0], "stopped after 30 s");
  assert.ok(verdicts.includes("left out: the 1 minutes are over"), stdout);
});

test("gpu-check.sh goes on after what fails: on a pretended GPU, the numbers are wrong and the rest is told", {
  skip: noPretendedGpu() || withMany,
}, async (t) => {
  const gpu = pretendGpu();
  t.after(() => gpu.remove());
  const report = join(gpu.root, "report.md");
  const env = { ...gpu.environment(), PEFD_PYTHON: "/nowhere/python" };
  const { exitCode } = await check(gpu.project, ["--quick", "--report", report], env);
  const text = readFileSync(report, "utf8");
  assert.equal(exitCode, 1, text);
  assert.match(text, /^# pefd on NVIDIA H100/);
  const parts = verdicts(text);
  assert.equal(parts.get("| Golden numbers, graph engine"), "FAILED (exit 1)");
  assert.equal(parts.get("| Distillation, cold start"), "ok", text);
  assert.equal(parts.get("| Distillation, warm start"), "ok", text);
  assert.match(text, /xla engine, bfloat16, NVIDIA H100/);
});
