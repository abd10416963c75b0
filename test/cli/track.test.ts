import assert from "node:assert/strict";
import { readdirSync, statSync, writeFileSync } from "node:fs";
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

  it("writes the files of a tracker, and goes on with them after a resume", async (t) => {
    const cwd = temporaryFolder(t);
    assert.equal((await pefd(IMAGES, { cwd })).exitCode, 0);
    for (const [trial, place, file] of [
      ["1", "mlflow:runs of mine", /metrics\/train_loss$/],
      ["2", "wandb-offline:.", /^wandb\/offline-run-.*\.wandb$/],
    ] as const) {
      const line = [...TRAINING, "--trial", trial, "--track", place];
      const found: string[] = [];
      for (const more of [
        ["--epochs", "1"],
        ["--epochs", "2", "--resume"],
      ]) {
        const { exitCode, stderr } = await pefd([...line, ...more], { cwd });
        assert.equal(exitCode, 0, stderr);
        assert.doesNotMatch(stderr, /Not tracked/);
        const files = readdirSync(cwd, { recursive: true, encoding: "utf8" });
        const [path = "", ...others] = files.filter((name) => file.test(name));
        assert.deepEqual(others, []);
        found.push(path, String(statSync(join(cwd, path)).size));
      }
      const [path, size = "", again, after = ""] = found;
      assert.equal(path, again);
      assert.ok(Number(size) < Number(after), `${place}: ${size} and ${after} bytes`);
    }
  });

  it("refuses what is neither a server nor a folder of a tracker", async (t) => {
    const cwd = temporaryFolder(t);
    assert.equal((await pefd(IMAGES, { cwd })).exitCode, 0);
    for (const place of ["mlruns", "file:///tmp/mlruns", "mlflow:", "http:", "wandb-offline"]) {
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
