import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { pngOf } from "#pefd/data/synthetic/write.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { randomTeacher, smallData } from "../../train/runs.js";

before(() => loadTensorFlow());

interface Line {
  readonly image: string;
  readonly predictions: readonly { readonly class: string; readonly label: number; readonly probability: number }[];
}

const RECORD = 3074;

/** A folder with a random teacher, a small data set, and its first test images as PNGs in photos/. */
async function prepared(t: TestContext) {
  const cwd = temporaryFolder(t);
  await smallData(cwd);
  await randomTeacher(cwd);
  const records = readFileSync(join(cwd, "data/test.bin"));
  mkdirSync(join(cwd, "photos/more"), { recursive: true });
  for (const [i, name] of ["a.png", "more/b.png", "more/c.PNG"].entries()) {
    writeFileSync(join(cwd, "photos", name), pngOf(records.subarray(i * RECORD + 2, (i + 1) * RECORD), 32));
  }
  const predict = async (words: readonly string[], input?: Buffer) =>
    pefd(["predict", "--checkpoint", "teacher.safetensors", "--data", "data", ...words], {
      cwd,
      ...(input && { input }),
    });
  const lines = async (...words: string[]) => {
    const { exitCode, stdout, stderr } = await predict([...words, "--json"]);
    return {
      exitCode,
      stderr,
      found: stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Line),
    };
  };
  return { cwd, records, predict, lines };
}

test("records are classified as eval does, with the names of the data set", async (t) => {
  const { cwd, records, lines } = await prepared(t);
  const { found, exitCode, stderr } = await lines("data/test.bin");
  assert.deepEqual([exitCode, stderr, found.length], [0, "", 10]);
  const names = readFileSync(join(cwd, "data/fine_label_names.txt"), "utf8").split("\n");
  for (const { predictions } of found) {
    assert.equal(predictions.length, 5);
    const shares = predictions.map(({ probability }) => probability);
    assert.deepEqual(
      shares,
      [...shares].sort((a, b) => b - a),
    );
    for (const { class: name, label } of predictions) assert.equal(name, names[label]);
  }
  const evaluation = ["eval", "--checkpoint", "teacher.safetensors", "--data", "data", "--json"];
  const { top1, top5 } = JSON.parse((await pefd(evaluation, { cwd })).stdout);
  const within = (k: number) =>
    found.filter(({ predictions }, i) => predictions.slice(0, k).some(({ label }) => label === records[i * RECORD + 1]))
      .length;
  assert.deepEqual([within(1) * 10, within(5) * 10], [Math.round(top1), Math.round(top5)]);
});

test("a PNG has the predictions of the record that it was made of: a file, a folder, a pattern", async (t) => {
  const { lines } = await prepared(t);
  const { found: records } = await lines("data/test.bin");
  for (const words of [["photos/a.png", "photos/more/b.png", "photos/more/c.PNG"], ["photos"], ["photos/**/*"]]) {
    const { found, exitCode } = await lines(...words);
    assert.equal(exitCode, 0);
    assert.deepEqual(
      found.map(({ image }) => image),
      ["photos/a.png", "photos/more/b.png", "photos/more/c.PNG"],
    );
    for (const [i, { predictions }] of found.entries()) {
      assert.deepEqual(
        predictions.map(({ label }) => label),
        records[i]?.predictions.map(({ label }) => label),
      );
      const difference = (predictions[0]?.probability ?? 0) - (records[i]?.predictions[0]?.probability ?? 1);
      assert.ok(Math.abs(difference) < 1e-6);
    }
  }
  assert.deepEqual(
    (await lines("photos/*")).found.map(({ image }) => image),
    ["photos/a.png"],
  );
});

test("a damaged file is named, the others are done, and the exit code is 1", async (t) => {
  const { cwd, lines, predict } = await prepared(t);
  writeFileSync(join(cwd, "photos/broken.jpg"), "broken");
  writeFileSync(join(cwd, "photos/empty.png"), "");
  const { exitCode, stderr, found } = await lines("photos");
  assert.deepEqual([exitCode, found.length], [1, 3]);
  assert.match(stderr, /photos\/broken\.jpg cannot be used: it is not a JPEG/);
  assert.match(stderr, /photos\/empty\.png cannot be used: it is empty/);
  assert.match(stderr, /2 files of 5 could not be used/);
  const alone = await predict(["photos/broken.jpg"]);
  assert.deepEqual([alone.exitCode, alone.stdout], [1, ""]);
});

test("a table, a CSV file and pooled features", async (t) => {
  const { cwd, predict } = await prepared(t);
  const words = ["photos", "--top_k", "2", "--csv", "classes.csv", "--features", "f.safetensors"];
  const { exitCode, stdout, stderr } = await predict(words);
  assert.deepEqual([exitCode, stderr], [0, ""]);
  assert.match(stdout, /^image +class +% +then\n[\s\S]*\nphotos\/a\.png /);
  const csv = readFileSync(join(cwd, "classes.csv"), "utf8").trim().split("\n");
  assert.deepEqual([csv[0], csv.length], ["image,rank,class,label,probability", 7]);
  assert.match(csv[1] ?? "", /^photos\/a\.png,1,/);
  const { state, metadata } = await readCheckpoint(join(cwd, "f.safetensors"));
  assert.deepEqual(state.get("features")?.shape, [3, 64]);
  assert.deepEqual(metadata.images, ["photos/a.png", "photos/more/b.png", "photos/more/c.PNG"]);
});

test("what cannot be predicted says what to give", async (t) => {
  const { cwd, predict } = await prepared(t);
  mkdirSync(join(cwd, "nothing"));
  for (const [words, expected] of [
    [["nowhere.jpg"], /nowhere\.jpg does not exist/],
    [["nothing"], /nothing contains no images/],
    [["photos/*.webp"], /photos\/\*\.webp does not exist/],
    [["photos", "--json", "--csv", "-"], /both print/],
    [["photos", "--dataset", "cifar10"], /trained for 100 classes/],
  ] as const) {
    const { exitCode, stderr, stdout } = await predict(words);
    assert.deepEqual([exitCode, stdout], [2, ""], words.join(" "));
    assert.match(stderr, expected);
  }
  assert.match((await pefd(["predict", "photos"], { cwd })).stderr, /Give --checkpoint FILE/);
});

test("without a folder of the data set, classes are numbered, which is said", async (t) => {
  const { cwd } = await prepared(t);
  const words = ["predict", "--checkpoint", "teacher.safetensors", "photos/a.png", "--json"];
  const { exitCode, stdout, stderr } = await pefd(words, { cwd });
  assert.equal(exitCode, 0);
  assert.match(stderr, /has no class names[\s\S]*--data/);
  const [first] = (JSON.parse(stdout) as Line).predictions;
  assert.equal(first?.class, `${first?.label}`);
});

test("--wrong shows the test images that the student gets wrong and the teacher right, and no others", async (t) => {
  const { cwd, records, lines, predict } = await prepared(t);
  // The teacher is right on the first eight of the ten images.
  const { found } = await lines("data/test.bin");
  const told = found.map(({ predictions: [first] }) => first?.label as number);
  const labels = told.map((label, i) => (i < 8 ? label : (label + 1) % 100));
  for (const [i, label] of labels.entries()) records[i * RECORD + 1] = label;
  writeFileSync(join(cwd, "data/test.bin"), records);
  await randomTeacher(cwd, 100, 4);
  const { found: ours } = await lines("data/test.bin");
  await writeCheckpoint(
    join(cwd, "student.safetensors"),
    (await readCheckpoint(join(cwd, "teacher.safetensors"))).state,
    {
      model: "resnet8",
    },
  );
  await randomTeacher(cwd, 100, 3);
  const words = ["--checkpoint", "student.safetensors", "--teacher", "teacher.safetensors", "--wrong", "wrong.html"];
  const { exitCode, stderr, stdout } = await predict(words);
  assert.deepEqual([exitCode, stdout], [0, ""], stderr);
  const wrong = ours.flatMap(({ predictions: [first] }, i) => (i < 8 && first?.label !== labels[i] ? [i] : []));
  assert.match(stderr, new RegExp(`wrong\\.html: ${wrong.length} of 10 test images`));
  const page = readFileSync(join(cwd, "wrong.html"), "utf8");
  const shown = [...page.matchAll(/class="muted">image (\d+), 32 x 32/g)].map(([, image]) => Number(image));
  assert.deepEqual(
    shown.sort((a, b) => a - b),
    wrong,
  );
  assert.ok(page.includes(`taken for ${ours[wrong[0] ?? 0]?.predictions[0]?.class}`));
});

test("--wrong needs a teacher that is known, and predict images or --wrong", async (t) => {
  const { predict } = await prepared(t);
  const unknown = await predict(["--wrong", "wrong.html"]);
  assert.deepEqual([unknown.exitCode, unknown.stdout], [2, ""]);
  assert.match(unknown.stderr, /teacher of teacher\.safetensors is unknown[\s\S]*--teacher FILE/);
  const nothing = await predict([]);
  assert.equal(nothing.exitCode, 2);
  assert.match(nothing.stderr, /No image given[\s\S]*--wrong/);
});
