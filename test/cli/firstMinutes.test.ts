import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS } from "#pefd/cli/commands.js";
import { commandHelp } from "#pefd/cli/invoke.js";
import { METHODS } from "#pefd/distill/registry.js";
import { pefd } from "../helpers/pefd.js";

/** Lines of two screens. */
const TWO_SCREENS = 120;

async function distillHelp(methods: readonly string[] = [], width = 100): Promise<string> {
  const row = COMMANDS.find(({ name }) => name === "distill");
  assert.ok(row);
  return commandHelp("distill", (await row.load()).command, width, methods);
}

test("help of pefd distill fits two screens, shows no option of a method, and no title twice", async () => {
  const lines = (await distillHelp()).split("\n");
  assert.ok(lines.length <= TWO_SCREENS, `${lines.length} lines`);
  assert.ok(!lines.some((line) => /--dkd_alpha|--nce_k|^Method /.test(line)));
  const titles = lines.filter((line) => /^\w[\w ]*:$/.test(line));
  assert.deepEqual(titles, [...new Set(titles)]);
});

test("help with --distill shows the options of each method named", async () => {
  for (const { name, options } of METHODS.rows()) {
    const help = await distillHelp([name]);
    for (const option of Object.keys(options)) assert.ok(help.includes(`--${option}`), `${name}: --${option}`);
  }
  const { stdout } = await pefd(["distill", "--distill", "dkd+crd", "--help"]);
  assert.ok(stdout.includes("--dkd_alpha") && stdout.includes("--nce_k") && !stdout.includes("--ofa_eps"));
});

test("pefd methods METHOD shows its paper, loss and options; an unknown one is refused with the nearest", async () => {
  const { stdout } = await pefd(["methods", "dkd"]);
  for (const part of ["Decoupled Knowledge Distillation", "loss: ", "--dkd_warmup N", "-r 1 -a 0 -b 1"]) {
    assert.ok(stdout.includes(part), part);
  }
  const { stdout: json } = await pefd(["methods", "dkd", "--json"]);
  assert.deepEqual(
    JSON.parse(json).methods.map(({ name }: { name: string }) => name),
    ["dkd"],
  );
  const { exitCode, stderr } = await pefd(["methods", "dkdd"]);
  assert.deepEqual([exitCode, /Did you mean dkd\?/.test(stderr)], [2, true]);
  const sum = await pefd(["methods", "crd+kd"]);
  assert.deepEqual([sum.exitCode, /unknown distillation method crd\+kd/.test(sum.stderr)], [2, true]);
});

test("a method's name in papers is answered with its name here", async () => {
  for (const [typed, name] of Object.entries({ AT: "attention", SP: "similarity", cc: "correlation", FT: "factor" })) {
    const { exitCode, stderr } = await pefd(["distill", "--distill", typed, "--dry_run"]);
    assert.deepEqual([exitCode, new RegExp(`Did you mean ${name}\\?`).test(stderr)], [2, true], stderr);
  }
});

const ELSEWHERE = {
  wd: ["weight_decay"],
  bs: ["batch_size"],
  seed: ["trial"],
  teacher: ["path_t", "model_t"],
  student: ["model_s"],
};

for (const [typed, ours] of Object.entries(ELSEWHERE)) {
  test(`--${typed}, as other programs call it, is answered with pefd's option and what it means`, async () => {
    const { exitCode, stderr } = await pefd(["distill", `--${typed}`, "1"]);
    assert.equal(exitCode, 2);
    assert.ok(stderr.includes(`Did you mean ${ours.map((name) => `--${name}`).join(" or ")}?`), stderr);
    for (const name of ours) assert.match(stderr, new RegExp(`--${name}: \\w`));
  });
}

test("--lr is understood", async () => {
  const { stdout } = await pefd(["distill", "--lr", "0.3", "--dry_run", "--json"]);
  assert.equal(JSON.parse(stdout).options.learning_rate, 0.3);
});
