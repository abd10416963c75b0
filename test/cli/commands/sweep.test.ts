import assert from "node:assert/strict";
import { test } from "node:test";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

test("pefd sweep --print tells a command for each run: for a shell, and word by word for programs", async (t) => {
  const cwd = temporaryFolder(t);
  const args = ["sweep", "--path_t", "the teachers/resnet8_x/t.pth", "--trials", "1,2", "--print"];
  const words = (trial: number) => [
    "distill",
    "--path_t",
    "the teachers/resnet8_x/t.pth",
    "--trial",
    `${trial}`,
    "--resume",
  ];
  const text = await pefd(args, { cwd });
  assert.equal(text.exitCode, 0, text.stderr);
  const line = (trial: number) => ` distill --path_t 'the teachers/resnet8_x/t.pth' --trial ${trial} --resume\n`;
  assert.equal(text.stdout.replaceAll(/^node \S*pefd\.js/gm, ""), line(1) + line(2));
  const { stdout } = await pefd([...args, "--json"], { cwd });
  assert.deepEqual(JSON.parse(stdout), { commands: [words(1), words(2)] });
});
