import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SCRIPTS } from "#pefd/cli/commands/completion.js";
import { COMMANDS } from "#pefd/cli/commands.js";
import { completionTree } from "#pefd/cli/completion/tree.js";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { methodText } from "../../plugin/files.js";
import { ASKED } from "./shells.js";

const RUN = "save/student_model/S:resnet8_T:resnet14_1";

/** A folder with a run and a file, where lines are typed. */
function workplace(t: TestContext): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, RUN), { recursive: true });
  writeFileSync(join(folder, RUN, "config.json"), "{}");
  mkdirSync(join(folder, "images"));
  writeFileSync(join(folder, "teacher.pth"), "");
  return folder;
}

/** What is typed before Tab, some of what is offered, and some of what is not. */
const CASES: readonly [line: string, offered: string[], others?: string[]][] = [
  ["pefd d", ["distill", "data", "doctor"], ["sweep"]],
  ["pefd data ", ["fetch", "synthesize", "verify"], ["list"]],
  ["pefd data fetch ", ["cifar10", "folder"], ["synthesize"]],
  ["pefd distill --model", ["--model_s", "--model_t"], ["--checkpoint"]],
  ["pefd distill --model_s resnet8", ["resnet8", "resnet8x4"], ["vgg8"]],
  ["pefd sweep --distill ours,rk", ["ours,rkd"]],
  ["pefd distill --config resnet32x4-resnet8x4-our", ["resnet32x4-resnet8x4-ours"]],
  ["pefd distill --path_t tea", ["teacher.pth"]],
  ["pefd completion ", ["bash", "zsh", "fish"]],
];

/** The last name of a list alone counts: some shells show it so, others with what stands before. */
const lastName = (word: string): string => word.replace(/^.*[,=]/, "");

for (const { name, write } of SCRIPTS.rows()) {
  const { missing, complete } = ASKED[name];
  test(`${name} completes commands, flags, names and files`, { skip: missing }, async (t) => {
    const folder = workplace(t);
    const script = join(folder, "completion");
    writeFileSync(script, write(await completionTree(COMMANDS)));
    for (const [line, offered, others = []] of CASES) {
      const words = complete(script, line, folder).map(lastName);
      const lacking = offered.map(lastName).filter((word) => !words.includes(word));
      assert.deepEqual(lacking, [], `${line}: ${words.join(" ").slice(0, 500)}`);
      const wrong = others.filter((word) => words.includes(word));
      assert.deepEqual(wrong, [], line);
    }
  });

  test(`${name} completes the folders of runs`, { skip: missing }, async (t) => {
    const folder = workplace(t);
    const script = join(folder, "completion");
    writeFileSync(script, write(await completionTree(COMMANDS)));
    const words = complete(script, "pefd verify save/student_model/S", folder).join(" ");
    assert.match(words, /resnet14_1/);
  });
}

test("bash keeps what it has taken for separators, and a list's names before the last", async (t) => {
  const folder = workplace(t);
  const script = join(folder, "completion");
  writeFileSync(script, SCRIPTS.row("bash").write(await completionTree(COMMANDS)));
  const complete = (line: string) => ASKED.bash.complete(script, line, folder);
  assert.deepEqual(complete("pefd watch save/student_model/S:resnet8_T"), ["resnet8_T:resnet14_1"]);
  assert.deepEqual(complete("pefd distill --model_s=resnet8x"), ["resnet8x4"]);
  assert.deepEqual(complete("pefd distill --model-s resnet8x"), ["resnet8x4"]);
  assert.deepEqual(complete("pefd sweep --distill crd+kd1"), ["crd+kd1proj"]);
});

test("pefd completion prints a shell's script, and names the shells where it does not know one", async () => {
  const { exitCode, stdout } = await pefd(["completion", "bash"]);
  assert.deepEqual([exitCode, stdout], [0, SCRIPTS.row("bash").write(await completionTree(COMMANDS))]);
  const unknown = await pefd(["completion", "basch"]);
  assert.equal(unknown.exitCode, 2);
  assert.match(unknown.stderr, /unknown shell basch\. .*bash.*\n.*bash, zsh, fish/);
});

test("names and folders that a shell would run are not run", async (t) => {
  const folder = workplace(t);
  const marker = join(folder, "ran");
  const odd = `save/student_model/$(touch ran)`;
  mkdirSync(join(folder, odd));
  writeFileSync(join(folder, odd, "config.json"), "{}");
  const script = join(folder, "completion");
  writeFileSync(script, SCRIPTS.row("bash").write(await completionTree(COMMANDS)));
  ASKED.bash.complete(script, "pefd verify save/student_model/", folder);
  assert.ok(!existsSync(marker));
});

test("names of plug-ins are completed where the script is written with them", async (t) => {
  const folder = workplace(t);
  const plugin = join(folder, "mine.mjs");
  writeFileSync(plugin, methodText("mine"));
  const { exitCode, stdout, stderr } = await pefd(["completion", "bash", "--plugin", plugin]);
  assert.equal(exitCode, 0, stderr);
  const script = join(folder, "completion");
  writeFileSync(script, stdout);
  assert.deepEqual(ASKED.bash.complete(script, "pefd distill --distill min", folder), ["mine"]);
  const flags = ASKED.bash.complete(script, "pefd distill --mine", folder);
  assert.deepEqual(flags, ["--mine_scale"]);
});
