import assert from "node:assert/strict";
import { test } from "node:test";
import { requireTeacher, resolveDistill, resolveTeacher, withoutEffect } from "#pefd/config/derive.js";
import { environmentLayer } from "#pefd/config/environment.js";
import { DISTILL_SECTIONS } from "#pefd/config/options.js";
import { type Layer, resolveRows, rowsOf } from "#pefd/config/resolve.js";

const layer = (place: string, values: Record<string, unknown>): Layer => ({
  label: (name) => `${name} in ${place}`,
  origin: () => place,
  values,
});

const distill = (...layers: Layer[]) => resolveDistill(layers);

test("a stronger layer wins, and every value tells where it came from", () => {
  const flags = layer("flags", { epochs: "3" });
  const environment = environmentLayer(rowsOf(DISTILL_SECTIONS), {
    PEFD_EPOCHS: "4",
    PEFD_BATCH_SIZE: "5",
    PEFD_SAVE_DIR: "",
  });
  const file = layer("file", { epochs: 6, batch_size: 6, momentum: 0.6 });
  const preset = layer("preset", { momentum: 0.7, kd_T: 7 });
  const { options, origins } = distill(flags, environment, file, preset);
  assert.deepEqual(
    [options.epochs, options.batch_size, options.momentum, options.kd_T, options.save_dir],
    [3, 5, 0.6, 7, "./save"],
  );
  assert.deepEqual(
    [origins.epochs, origins.batch_size, origins.momentum, origins.kd_T, origins.save_dir],
    ["flags", "environment PEFD_BATCH_SIZE", "file", "preset", "default"],
  );
});

test("a wrong value is refused even where a stronger one hides it", () => {
  assert.throws(
    () => resolveRows(DISTILL_SECTIONS, [layer("flags", { epochs: "3" }), layer("f", { epochs: "x" })]),
    /epochs in f takes an integer/,
  );
});

test("switches that belong to one command line are not read from the environment", () => {
  const { values } = environmentLayer(rowsOf(DISTILL_SECTIONS), { PEFD_FORCE: "true" });
  assert.equal(values.force, undefined);
});

test("weights not given are the method's published ones", () => {
  const weights = (method: string, more = {}) => {
    const { gamma, alpha, beta } = distill(layer("flags", { distill: method, ...more })).options;
    return [gamma, alpha, beta];
  };
  assert.deepEqual(weights("ours"), [1, 0, 25]);
  assert.deepEqual(weights("kd"), [0.1, 0, 0.9]);
  assert.deepEqual(weights("kd1proj"), [0.1, 0, 0.9]);
  assert.deepEqual(weights("ours", { beta: "0" }), [1, 0, 0]);
});

test("what was published for a pair stands where nothing is given", () => {
  const beta = (values: Record<string, unknown>) => {
    const { options, origins } = distill(layer("flags", { distill: "dkd", ...values }));
    return [options.dkd_beta, origins.dkd_beta];
  };
  const pair = { model_t: "resnet56", model_s: "resnet20" };
  const told = { path_t: "save/models/resnet56_vanilla/ckpt_epoch_240.pth", model_s: "resnet20" };
  assert.deepEqual(beta(pair), [2, "published for resnet56-resnet20"]);
  assert.deepEqual(beta(told), [2, "published for resnet56-resnet20"]);
  assert.deepEqual(beta({ ...pair, dkd_beta: "5" }), [5, "flags"]);
  assert.deepEqual(beta({ model_s: "resnet20" }), [8, "default"]);
  assert.deepEqual(beta({ model_t: "resnet32x4", model_s: "resnet8x4" }), [8, "default"]);
});

test("factor's first phase has the authors' rate: 0.01 for resnet and wrn students, else the run's", () => {
  const rate = (model_s: string, more = {}) => {
    const { options, origins } = distill(layer("flags", { distill: "factor", model_s, ...more }));
    return [options.factor_init_lr, origins.factor_init_lr];
  };
  assert.deepEqual(rate("resnet8x4"), [0.01, "default"]);
  assert.deepEqual(rate("wrn_16_2"), [0.01, "default"]);
  assert.deepEqual(rate("vgg8"), [0.05, "published for vgg8"]);
  assert.deepEqual(rate("vgg8", { learning_rate: "0.02" }), [0.02, "published for vgg8"]);
  assert.deepEqual(rate("vgg8", { factor_init_lr: "0.03" }), [0.03, "flags"]);
  assert.deepEqual(rate("ResNet50"), [0.05, "published for ResNet50"]);
  assert.deepEqual(rate("ShuffleV1"), [0.01, "published for ShuffleV1"]);
});

test("a variant of a method has its own published weights and values, and the pair's before them", () => {
  const values = (given: Record<string, unknown>) => {
    const { options, origins } = distill(layer("flags", { lskd: "true", ...given }));
    const { gamma, alpha, beta, kd_T, dkd_T, dkd_beta } = options;
    return [gamma, alpha, beta, kd_T, dkd_T, dkd_beta, origins.beta];
  };
  assert.deepEqual(values({ distill: "kd" }), [0.1, 0, 9, 2, undefined, undefined, "default of lskd_kd"]);
  const pair = { model_t: "resnet110", model_s: "resnet20" };
  assert.deepEqual(values({ distill: "kd", ...pair }), [
    0.1,
    0,
    12,
    4,
    undefined,
    undefined,
    "published for resnet110-resnet20",
  ]);
  assert.deepEqual(values({ distill: "dkd", ...pair }).slice(0, 6), [1, 0, 9, 4, 2, 2]);
  assert.deepEqual(values({ distill: "kd", beta: "3" }).slice(0, 4), [1, 0, 3, 2]);
  assert.deepEqual(values({ distill: "kd", lskd: "false" }).slice(0, 4), [0.1, 0, 0.9, 4]);
});

test("a teacher whose file alone tells its model has the pair's published values, too", async () => {
  const flags = layer("flags", { path_t: "a/b.pth", model_s: "resnet20", distill: "dkd" });
  const options = await requireTeacher([flags], async () => "resnet56", String);
  assert.deepEqual([options.model_t, options.dkd_beta], ["resnet56", 2]);
  await assert.rejects(
    requireTeacher([flags], async () => undefined, String),
    /cannot be determined/,
  );
});

test("several teachers: a model for each file, one for all of them, or those that the files tell", async () => {
  const teachers = (values: Record<string, unknown>) => {
    const { path_t, model_t } = distill(layer("flags", values)).options;
    return [path_t, model_t];
  };
  const files = ["save/models/resnet8_a/last.pth", "save/models/resnet14_b/last.pth"];
  assert.deepEqual(teachers({ path_t: files }), [files, "resnet8+resnet14"]);
  assert.deepEqual(teachers({ path_t: [files[0]] }), [files[0], "resnet8"]);
  const untold = ["a.pth", "b.pth"];
  assert.deepEqual(teachers({ path_t: untold, model_t: "resnet8, resnet20" }), [untold, "resnet8+resnet20"]);
  assert.deepEqual(teachers({ path_t: untold, model_t: "resnet8" }), [untold, "resnet8+resnet8"]);
  assert.throws(() => teachers({ path_t: untold, model_t: "resnet8+resnet8+resnet8" }), {
    exitCode: 2,
    message: "--path_t names 2 checkpoints, and --model_t 3 models.",
  });
  assert.throws(() => teachers({ path_t: untold, model_t: "resnet8,resnet9" }), /unknown model resnet9/);
  const flags = layer("flags", { path_t: [files[0], "b.pth"] });
  const named = await requireTeacher([flags], async () => "resnet20", String);
  assert.deepEqual([named.path_t, named.model_t], [[files[0], "b.pth"], "resnet8+resnet20"]);
});

test("of several teachers without files the first one that is not there is named", async () => {
  const flags = layer("flags", { model_t: "resnet8+resnet14", save_dir: "nowhere" });
  const train = (model?: string) => `pefd train-teacher --model ${model}`;
  await assert.rejects(
    requireTeacher([flags], async () => undefined, train),
    { message: /^No teacher resnet8 in nowhere\/models/, hint: /--model resnet8`/ },
  );
});

test("the learning rate not given is the student's, whatever the teacher's", () => {
  const rate = (values: Record<string, unknown>) => {
    const { options, origins } = distill(layer("flags", values));
    return [options.learning_rate, origins.learning_rate];
  };
  assert.deepEqual(rate({ model_s: "resnet8x4", model_t: "MobileNetV2" }), [0.05, "default"]);
  assert.deepEqual(rate({ model_s: "MobileNetV2" }), [0.01, "default of MobileNetV2"]);
  assert.deepEqual(rate({ model_s: "MobileNetV2", learning_rate: "0.2" }), [0.2, "flags"]);
});

test("weights of a preset for another method are not used", () => {
  const preset = layer("preset", { distill: "ours", gamma: 1, alpha: 0, beta: 25 });
  const { options, origins } = distill(layer("flags", { distill: "kd" }), preset);
  assert.deepEqual([options.gamma, options.beta], [0.1, 0.9]);
  assert.equal(origins.beta, "default of kd");
  const environment = layer("environment", { beta: "7" });
  assert.equal(distill(layer("flags", { distill: "kd" }), environment, preset).options.beta, 7);
});

test("weights that are all zero are refused", () => {
  assert.throws(
    () => distill(layer("flags", { gamma: "0", alpha: "0", beta: "0" })),
    /--gamma, --alpha and --beta are all 0/,
  );
});

test("the teacher's model is told by its path; --model_t overrides it, a preset does not", () => {
  const path_t = "save/models/resnet32x4_vanilla/ckpt_epoch_240.pth";
  const model = (...layers: Layer[]) => distill(...layers).options.model_t;
  assert.equal(model(layer("flags", { path_t })), "resnet32x4");
  assert.equal(model(layer("flags", { path_t, model_t: "resnet56" })), "resnet56");
  assert.equal(model(layer("flags", { path_t }), layer("preset", { model_t: "resnet56" })), "resnet32x4");
  assert.equal(model(layer("flags", { path_t: "a/b.pth" }), layer("p", { model_t: "resnet56" })), "resnet56");
  assert.equal(model(layer("flags", { path_t: "a/b.pth" })), undefined);
});

test("models made for larger images are not trained on CIFAR-100", () => {
  const sentence = /RESNET18 expects 224x224 images; cifar100 has 32x32/;
  assert.throws(() => distill(layer("flags", { model_s: "RESNET18" })), sentence);
  assert.throws(() => resolveTeacher([layer("flags", { model: "RESNET18" })]), sentence);
});

test("a file that serves both trainings names the teacher once", () => {
  const file = layer("file", { model_t: "resnet14", model_s: "resnet8", epochs: 2 });
  const { model, epochs, learning_rate } = resolveTeacher([file]).options;
  assert.deepEqual([model, epochs, learning_rate], ["resnet14", 2, 0.05]);
  const flags = layer("flags", { model: "resnet20" });
  assert.equal(resolveTeacher([flags, file]).options.model, "resnet20");
});

test("a method without a teacher takes none, and says what it ignores", async () => {
  const flags = layer("flags", { distill: "tf_kd_reg", path_t: "save/models/vgg13_vanilla/ckpt_epoch_240.pth" });
  const preset = layer("preset", { model_t: "vgg13", model_s: "MobileNetV2" });
  const resolved = distill(flags, preset);
  const { path_t, model_t, tf_kd_reg_T } = resolved.options;
  assert.deepEqual([path_t, model_t, tf_kd_reg_T], [undefined, undefined, 40]);
  assert.deepEqual(withoutEffect([flags, preset], resolved), [
    "--path_t has no effect: tf_kd_reg trains without a teacher.",
  ]);
  assert.throws(() => distill(flags, layer("file", { generations: 2 })), /tf_kd_reg has no teacher/);
  const kd = layer("flags", { distill: "kd", generations: 2, devices: 2 });
  assert.throws(() => distill(kd), /--generations is for one process, and --devices for several/);
  const unread = () => Promise.reject(new Error("no file is read"));
  assert.equal((await requireTeacher([flags, preset], unread, String)).path_t, undefined);
  for (const values of [{ distill: "cs_kd", alpha: "1", beta: "1" }, { distill: "cs_kd+kd" }]) {
    await assert.rejects(requireTeacher([layer("flags", values)], unread, String), /Distillation needs a teacher/);
  }
});

test("a teacher's outputs are in place of a teacher: the stronger layer has one or the other", async () => {
  const outputs = layer("flags", { distill: "kd", teacher_outputs: "t.safetensors" });
  const preset = layer("preset", { model_t: "vgg13", model_s: "vgg8" });
  const { options } = distill(outputs, preset);
  assert.deepEqual([options.teacher_outputs, options.path_t, options.model_t], ["t.safetensors", undefined, undefined]);
  const typed = layer("flags", { distill: "kd", path_t: "save/models/vgg13_vanilla/ckpt_epoch_240.pth" });
  const file = layer("file", { teacher_outputs: "t.safetensors" });
  const overruled = distill(typed, file).options;
  assert.deepEqual([overruled.teacher_outputs, overruled.model_t], [undefined, "vgg13"]);
  const both = layer("flags", { distill: "kd", teacher_outputs: "t.safetensors", model_t: "vgg13" });
  assert.throws(() => distill(both), /--teacher_outputs is in place of a teacher, and --path_t or --model_t names one/);
  assert.throws(() => distill(outputs, layer("file", { generations: 2 })), /--generations: a student's outputs/);
  const unread = () => Promise.reject(new Error("no file is read"));
  assert.equal((await requireTeacher([outputs, preset], unread, String)).teacher_outputs, "t.safetensors");
  const cached = layer("flags", { distill: "kd", teacher_outputs: "t.safetensors", teacher_cache: true });
  assert.deepEqual(withoutEffect([cached], distill(cached)), [
    "--teacher_cache has no effect: with --teacher_outputs no teacher is run.",
  ]);
});
