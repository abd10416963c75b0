import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { epochsSent, fakeMlflow } from "../report/track/fakeMlflow.js";

const IMAGES = ["data", "synthesize", "--train", "64", "--test", "20", "--classes", "10"];
const TRAINING = ["train-teacher", "--model", "resnet8", "--data", "data/synthetic"];

describe("--track", () => {
  it("sends a training's epochs and its end; a server that is away costs a warning", async (t) => {
    const { asked, state, address } = await fakeMlflow(t);
    const cwd = temporaryFolder(t);
    assert.equal((await pefd(IMAGES, { cwd })).exitCode, 0);
    const line = [...TRAINING, "--track", address];
    const first = await pefd([...line, "--epochs", "2"], { cwd });
    assert.equal(first.exitCode, 0, first.stderr);
    assert.deepEqual(epochsSent(asked), [1, 2]);
    assert.equal(asked.at(-1)?.body.status, "FINISHED");
    state.away = true;
    const second = await pefd([...line, "--epochs", "3", "--resume"], { cwd });
    assert.equal(second.exitCode, 0, second.stderr);
    assert.match(second.stderr, /Not tracked for now: .*closed for today/);
  });

  it("writes MLflow's files, and goes on with them after a resume", async (t) => {
    const cwd = temporaryFolder(t);
    assert.equal((await pefd(IMAGES, { cwd })).exitCode, 0);
    const line = [...TRAINING, "--track", "mlflow:runs of mine"];
    for (const more of [
      ["--epochs", "1"],
      ["--epochs", "2", "--resume"],
    ]) {
      const { exitCode, stderr } = await pefd([...line, ...more], { cwd });
      assert.equal(exitCode, 0, stderr);
      assert.doesNotMatch(stderr, /Not tracked/);
    }
    const files = readdirSync(join(cwd, "runs of mine"), { recursive: true, encoding: "utf8" });
    const losses = files.filter((path) => path.endsWith("metrics/train_loss"));
    assert.equal(losses.length, 1, files.join("\n"));
    const text = readFileSync(join(cwd, "runs of mine", losses[0] ?? ""), "utf8");
    assert.deepEqual(text.match(/\d+$/gm), ["1", "2"]);
  });

  it("refuses what is neither a server nor a folder of a tracker", async (t) => {
    const cwd = temporaryFolder(t);
    assert.equal((await pefd(IMAGES, { cwd })).exitCode, 0);
    for (const place of ["mlruns", "file:///tmp/mlruns", "mlflow:", "http:"]) {
      const { exitCode, stderr } = await pefd([...TRAINING, "--track", place], { cwd });
      assert.equal(exitCode, 2, place);
      assert.match(stderr, /--track does not take ".*"\.\n.*http:\/\/HOST:PORT.*mlflow:DIR/);
    }
    writeFileSync(join(cwd, "a file"), "");
    const { exitCode, stderr } = await pefd([...TRAINING, "--track", "mlflow:a file"], { cwd });
    assert.equal(exitCode, 2);
    assert.match(stderr, /--track mlflow:a file takes a folder; a file is a file\./);
  });
});
