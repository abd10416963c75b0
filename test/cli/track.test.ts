import assert from "node:assert/strict";
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

  it("takes the address of a server and nothing else", async (t) => {
    const cwd = temporaryFolder(t);
    assert.equal((await pefd(IMAGES, { cwd })).exitCode, 0);
    for (const address of ["mlruns", "file:///tmp/mlruns", "wandb-offline"]) {
      const { exitCode, stderr } = await pefd([...TRAINING, "--track", address], { cwd });
      assert.equal(exitCode, 2, address);
      assert.match(stderr, /--track takes the address of an MLflow server/);
    }
  });
});
