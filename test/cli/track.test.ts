import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
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
    assert.match(second.stderr, /Tracking failed: .*closed for today/);
  });

  it("shows a password to nobody, and writes it nowhere", async (t) => {
    const { asked, address } = await fakeMlflow(t);
    const cwd = temporaryFolder(t);
    assert.equal((await pefd(IMAGES, { cwd })).exitCode, 0);
    const track = address.replace("//", "//me@corp:SECRET@");
    const line = [...TRAINING, "--epochs", "1"];
    const said: string[] = [];
    const say = async (words: string[], env: Record<string, string> = {}, expected = 0) => {
      const { exitCode, stdout, stderr } = await pefd(words, { cwd, env });
      assert.equal(exitCode, expected, stderr);
      said.push(stdout, stderr);
      return stdout;
    };
    assert.match(await say([...line, "--track", track, "--dry_run"]), /me@corp:PASSWORD@127/);
    await say([...line, "--dry_run", "--json"], { PEFD_TRACK: track });
    await say([...line, "--help"], { PEFD_TRACK: track });
    writeFileSync(join(cwd, "own.json"), JSON.stringify({ track, epochs: 1 }));
    await say([...TRAINING, "--config", "own.json", "--dry_run"]);
    await say([...line, "--track", track]);
    assert.equal(asked[0]?.authorization, `Basic ${btoa("me@corp:SECRET")}`);
    await say([...line, "--track", track.replace("SECRET", "SECRET%zz"), "--dry_run"], {}, 2);
    await say([...line, "--track", track.replace("SECRET", "SECRET#1")], {}, 2);
    await say([...line, "--track", `file${track.slice(4)}`], {}, 2);
    await say(["data", "fetch", "--data", "new", "--url", track.replace("SECRET", "SECRET 1")], {}, 2);
    const teacher = ["--model_t", "resnet8", "--model_s", "resnet8", "--distill", "kd"];
    const sweep = ["sweep", ...teacher, "--data", "data/synthetic", "--epochs", "1", "--track", track];
    assert.match(await say([...sweep, "--print"]), /^PEFD_TRACK=http:\/\/me@corp:PASSWORD@/);
    await say([...sweep, "--print", "--json"]);
    await say([...sweep, "--dry_run", "--json"]);
    assert.doesNotMatch(said.join("\n"), /SECRET/);
    for (const name of readdirSync(cwd, { recursive: true, encoding: "utf8" })) {
      const file = join(cwd, name);
      if (name === "own.json" || statSync(file).isDirectory()) continue;
      assert.ok(!readFileSync(file).includes("SECRET"), name);
    }
  });

  it("says before training that a client is missing", async (t) => {
    const cwd = temporaryFolder(t);
    assert.equal((await pefd(IMAGES, { cwd })).exitCode, 0);
    writeFileSync(join(cwd, "wandb.py"), "import wandb_that_nobody_has");
    const words = [...TRAINING, "--epochs", "1", "--track", "wandb:mine"];
    const { exitCode, stderr } = await pefd(words, { cwd, env: { PYTHONPATH: cwd } });
    assert.equal(exitCode, 3, stderr);
    assert.match(stderr, /needs W&B's Python client.*\n.*Type: \S+ -m pip install wandb/);
    assert.ok(!existsSync(join(cwd, "save")));
  });

  it("refuses what is neither a server nor a folder of a tracker", async (t) => {
    const cwd = temporaryFolder(t);
    assert.equal((await pefd(IMAGES, { cwd })).exitCode, 0);
    for (const place of ["mlruns", "file:///tmp/mlruns", "mlflow:", "wandb:", "wandb-offline"]) {
      const { exitCode, stderr } = await pefd([...TRAINING, "--track", place], { cwd });
      assert.equal(exitCode, 2, place);
      assert.match(stderr, /--track does not take ".*"\.\n.*http:\/\/HOST:PORT.*mlflow:DIR/);
    }
    for (const place of ["http:", "http://a%zz:pw@h", "http://u:p w@h", "http:u:pw@h", "https://h:x"]) {
      const { exitCode, stderr } = await pefd([...TRAINING, "--track", place], { cwd });
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, /--track needs a URL; .* is not an http or https URL\.\n/);
      assert.doesNotMatch(stderr, /pw|p w/);
    }
    writeFileSync(join(cwd, "a file"), "");
    const { exitCode, stderr } = await pefd([...TRAINING, "--track", "mlflow:a file"], { cwd });
    assert.equal(exitCode, 2);
    assert.match(stderr, /--track mlflow:a file needs a folder; a file is a file\./);
  });
});
