import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type TestContext, test } from "node:test";
import { ROOT } from "../../helpers/paths.js";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

/** A folder with images of two classes. */
async function images(t: TestContext, train = "4"): Promise<string> {
  const cwd = temporaryFolder(t);
  const sizes = ["--train", train, "--test", "2", "--classes", "2", "--out", "images"];
  const made = await pefd(["data", "synthesize", "folder", ...sizes], { cwd });
  assert.equal(made.exitCode, 0, made.stderr);
  return cwd;
}

const PACK = ["data", "pack", "folder", "--data", "images"];

test("a folder is packed, verified, and refused where something lies already", async (t) => {
  const cwd = await images(t);
  const packed = await pefd(PACK, { cwd });
  assert.equal(packed.exitCode, 0, packed.stderr);
  assert.equal(
    packed.stdout,
    "4 training and 2 test images are in images-shards (2 shards); use them with --dataset folder --data images-shards\n",
  );
  const verified = await pefd(["data", "verify", "folder", "--data", "images-shards"], { cwd });
  assert.match(verified.stdout, /^train +4 images .*\ntest +2 images .*\nOK: every image/);
  const again = await pefd(PACK, { cwd });
  assert.equal(again.exitCode, 2);
  assert.match(again.stderr, /images-shards holds files already .*Nothing was changed/);
  const cifar = await pefd(["data", "pack", "cifar10"], { cwd });
  assert.equal(cifar.exitCode, 2);
  assert.match(cifar.stderr, /CIFAR-10 already is a few large files/);
});

test("images are made smaller where it is asked for, and that is told; a damaged one ends it with its name", async (t) => {
  const cwd = await images(t);
  const small = [...PACK, "--short_side", "48", "--out", "small", "--json"];
  const packed = await pefd(small, { cwd });
  assert.equal(packed.exitCode, 0, packed.stderr);
  const { reencoded, note } = JSON.parse(packed.stdout);
  assert.deepEqual(
    [reencoded, note],
    ["short side 48, JPEG quality 90", "Not comparable: images were re-encoded (short side 48, JPEG quality 90)."],
  );
  const twice = ["data", "pack", "folder", "--data", "small", "--short_side", "32"];
  assert.match((await pefd(twice, { cwd })).stderr, /These images are already re-encoded/);
  const loose = await pefd([...PACK, "--quality", "50"], { cwd });
  assert.match(loose.stderr, /--quality has no effect without --short_side/);

  const [folder] = readdirSync(join(cwd, "images", "train"));
  const [file] = readdirSync(join(cwd, "images", "train", folder ?? ""));
  const bad = join("train", folder ?? "", file ?? "");
  writeFileSync(join(cwd, "images", bad), "no image");
  const other = [...PACK, "--short_side", "48", "--out", "other"];
  const ended = await pefd(other, { cwd });
  assert.equal(ended.exitCode, 1);
  assert.ok(ended.stderr.includes(`The image ${bad} cannot be used`), ended.stderr);
  assert.equal(existsSync(join(cwd, "other")), false);
  writeFileSync(join(cwd, "bad.txt"), `${bad}\n`);
  const without = await pefd([...other, "--skip_list", "bad.txt"], { cwd });
  assert.match(without.stdout, /^3 training and 2 test images are in other/);
});

/** Kills a packing once its unfinished folder is there. */
function killed(cwd: string): Promise<NodeJS.Signals | null> {
  const words = [resolve(ROOT, "bin/pefd.js"), ...PACK, "--short_side", "48", "--out", "out"];
  const child = spawn(process.execPath, words, { cwd, stdio: "ignore" });
  const watch = setInterval(() => {
    if (readdirSync(cwd).some((name) => name.startsWith(".out."))) child.kill("SIGKILL");
  }, 5);
  return new Promise((done) => {
    child.on("close", (_, signal) => {
      clearInterval(watch);
      done(signal);
    });
  });
}

test("a packing that is killed leaves nothing that looks whole, and the next one cleans up", async (t) => {
  const cwd = await images(t, "300");
  assert.equal(await killed(cwd), "SIGKILL");
  assert.equal(existsSync(join(cwd, "out")), false);
  const left = readdirSync(cwd).filter((name) => name.startsWith("."));
  assert.equal(left.length, 1);
  const whole = await pefd([...PACK, "--out", "out"], { cwd });
  assert.equal(whole.exitCode, 0, whole.stderr);
  assert.deepEqual(readdirSync(cwd).sort(), ["images", "out"]);
});
