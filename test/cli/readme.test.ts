import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { DistillOptions, TeacherOptions } from "#pefd/config/options.js";
import { studentFolder } from "#pefd/train/files/runName.js";
import { ROOT } from "../helpers/paths.js";
import { type Ended, pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

/** What the README's section says to type, line by line. */
function commandsUnder(heading: string): string[] {
  const text = readFileSync(join(ROOT, "README.md"), "utf8");
  const section = text.slice(text.indexOf(`\n## ${heading}\n`));
  const [, block = ""] = /```sh\n([\s\S]*?)```/.exec(section) ?? [];
  return block.replaceAll("\\\n", " ").replaceAll(/ *#.*/g, "").trim().split("\n");
}

/** The same commands on fewer images and epochs, so that the test is short. */
const SMALLER = ["--epochs", "1", "--limit_train", "64", "--limit_test", "100"];
const TRAINS = new Set(["train-teacher", "sweep"]);

test("the README's way from nothing to a page of results can be typed as it stands", async (t) => {
  const cwd = temporaryFolder(t);
  const [setup, ...lines] = commandsUnder("From nothing to a page of results");
  assert.deepEqual([setup, lines.length], ["npm run setup", 5]);
  const ends = new Map<string, Ended>();
  for (const line of lines) {
    const [program, name = "", ...words] = line.split(/ +/);
    assert.equal(program, "pefd");
    const args = [name, ...words, ...(TRAINS.has(name) ? SMALLER : [])];
    const ended = await pefd(args, { cwd });
    assert.equal(ended.exitCode, 0, `${line}\n${ended.stderr}`);
    ends.set(name, ended);
  }
  for (const method of ["kd", "ours"]) {
    const row = new RegExp(`^resnet14 +resnet8 +${method} .* 2 +\\d`, "m"); // two trials each
    assert.match(ends.get("sweep")?.stdout ?? "", row);
    assert.match(ends.get("report")?.stdout ?? "", row);
  }
  const header = ends
    .get("sweep")
    ?.stdout.split("\n")
    .find((line) => line.startsWith("Teacher"));
  const titles = (line?: string) => line?.trim().split(/ {2,}/);
  const shown = /^```\n(Teacher .*)$/m.exec(readFileSync(join(ROOT, "README.md"), "utf8"))?.[1];
  assert.deepEqual(titles(shown), titles(header), "the README's table has the columns of today's");
  const page = readFileSync(join(cwd, "report.html"), "utf8");
  assert.match(page, /^<!doctype html>/i);
  assert.equal(ends.get("analyze")?.stdout.match(/^S:resnet8_T:resnet14/gm)?.length, 4);

  const again = await pefd(["report", "save"], { cwd });
  assert.equal(again.stdout, ends.get("report")?.stdout, "a report of the same runs is the same");
});

test("the README's first real result: its commands are understood, and fit together", async (t) => {
  const cwd = temporaryFolder(t);
  const lines = commandsUnder("A first real result").map((line) => line.split(/ +/).slice(1));
  const [fetch, train = [], distill = [], evaluate = []] = lines;
  const names = [train, distill, evaluate].map(([name]) => name);
  assert.deepEqual(
    [fetch, names],
    [
      ["data", "fetch"],
      ["train-teacher", "distill", "eval"],
    ],
  );
  const resolved = async <Options>(args: readonly string[]): Promise<Options> => {
    const { exitCode, stdout, stderr } = await pefd([...args, "--dry_run", "--json"], { cwd });
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout).options;
  };
  const teacher = await resolved<TeacherOptions>(train);
  const student = await resolved<DistillOptions>(distill);
  await resolved(evaluate);
  assert.equal(student.model_t, teacher.model);
  assert.equal(evaluate.at(-1), join(studentFolder(student), `${student.model_s}_best.safetensors`));
});
