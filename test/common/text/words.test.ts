import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { counted, didYouMean, grouped, nearestName, shellWord } from "#pefd/common/text.js";

test("the nearest name is within half of what was typed, at least two letters, case aside", () => {
  const names = ["resnet8x4", "vgg8", "kd"];
  assert.equal(nearestName("resnet8x5", names), "resnet8x4");
  assert.equal(nearestName("VGG", names), "vgg8");
  assert.equal(nearestName("k", names), "kd");
  assert.equal(nearestName("zz", names), "kd", "two letters of two");
  assert.equal(nearestName("abcdefgh", ["abcdzzzz"]), "abcdzzzz", "four letters of eight");
  assert.equal(nearestName("abcdefgh", ["abczzzzz"]), undefined, "five letters of eight");
  assert.equal(nearestName("zzz", names), undefined, "three letters of three");
  assert.equal(nearestName("x", []), undefined);
  assert.equal(didYouMean("vgg9", names), " Did you mean vgg8?");
  assert.equal(didYouMean("something else", names), "");
});

test("a shell takes every word as it is, and plain ones stay plain", () => {
  assert.equal(shellWord("--save_dir=a/b,c:d@e%f+g.h-i"), "--save_dir=a/b,c:d@e%f+g.h-i");
  for (const word of ["", "a b", "it's", "$HOME", "`x`", "a\nb", "*", "ü", '"', "\\", "!x", "~", "#"]) {
    const { stdout } = spawnSync("sh", ["-c", `printf %s ${shellWord(word)}`], {
      encoding: "utf8",
    });
    assert.equal(stdout, word);
  }
});

test("nouns agree with their number", () => {
  assert.deepEqual(
    [0, 1, 2].map((n) => counted(n, "epoch")),
    ["0 epochs", "1 epoch", "2 epochs"],
  );
});

test("items are grouped in the order in which their keys appear", () => {
  const groups = grouped([5, 2, 7, 4, 5], (n) => n % 2);
  assert.deepEqual(
    [...groups],
    [
      [1, [5, 7, 5]],
      [0, [2, 4]],
    ],
  );
});
