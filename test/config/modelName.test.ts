import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { findTeacher } from "#pefd/config/derive.js";
import { modelNameOf } from "#pefd/config/modelName.js";

const folder = mkdtempSync(join(tmpdir(), "pefd-teacher-"));
after(() => rmSync(folder, { recursive: true }));

test("a checkpoint's path tells its model", () => {
  const told = {
    "resnet32x4_vanilla/ckpt_epoch_240.pth": "resnet32x4",
    "/x/resnet8x4_ours/ckpt_epoch_240.pth": "resnet8x4",
    "save/models/resnet110_cifar100_lr_0.05_decay_0.0005_trial_1/ckpt_epoch_40.safetensors": "resnet110",
    "S:resnet8x4_T:resnet32x4_cifar100_ours_r:1_a:0_b:25_1/resnet8x4_last.safetensors": "resnet8x4",
    "/tmp/resnet8x4_best.safetensors": "resnet8x4",
    "resnet20.pth": "resnet20",
    // torchvision's own files.
    "resnet18-f37072fd.pth": "RESNET18",
    "/home/me/.cache/torch/hub/checkpoints/resnet34-b627a593.pth": "RESNET34",
    "resnet50-0676ba61.safetensors": "RESNET50",
    "densenet201-c1103571.pth": "densenet201",
  };
  for (const [path, model] of Object.entries(told)) assert.equal(modelNameOf(path), model, path);
  for (const path of [
    "a.pth",
    "resnet8x5_vanilla/x.pth",
    "my_resnet8/x.pth",
    "",
    "resnet101-63fe2227.pth",
    "resnet34-b62.pth",
  ]) {
    assert.equal(modelNameOf(path), undefined, path);
  }
});

test("a teacher is found by its model: the published one first, then the lowest trial", () => {
  const put = (path: string): string => {
    const file = join(folder, "models", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "");
    return file;
  };
  const find = () => findTeacher(folder, "resnet20", "cifar100");
  assert.equal(find(), undefined);
  put("resnet20x_cifar100_lr_0.05_decay_0.0005_trial_1/resnet20_last.safetensors");
  assert.equal(find(), undefined);
  put("resnet20_cifar100_lr_0.05_decay_0.0005_trial_10/resnet20_last.safetensors");
  const second = put("resnet20_cifar100_lr_0.05_decay_0.0005_trial_2/resnet20_last.safetensors");
  assert.equal(find(), second);
  const published = put("resnet20_vanilla/ckpt_epoch_240.pth");
  assert.equal(find(), published);
  assert.equal(findTeacher(folder, "resnet20", "cifar10"), undefined, "that one is CIFAR-100's");
});
