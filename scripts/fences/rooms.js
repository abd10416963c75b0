/**
 * The rooms of `src`, in order: a room imports from rooms above it, and from those of them that its row names.
 * `packages` are the npm packages that it may import, `computed` its files that import modules by names which are only
 * known when they run. Nothing else is allowed; `npm run lint` checks it
 * (check.js), and the table of docs/architecture.md is written from here (`npm run docs`).
 *
 * A room is a folder; where one row names a folder and another a folder inside it, a file belongs to the inner one.
 *
 * @typedef {{ name: string, what: string, imports: string[], packages: string[], computed?: string[] }} Room
 * @type {readonly Room[]}
 */
export const ROOMS = [
  {
    name: "common",
    what: "errors with exit codes, seeded random streams, state dicts, protobuf; `files/` atomic files and folders, `text/` words",
    imports: [],
    packages: ["leven", "pure-rand"],
  },
  {
    name: "runtime",
    what: "the native library: set-up, loading (`tf.ts`), its environment (`prepare.ts`), device, doctor; `gpu/` what is known of GPUs before it is loaded",
    imports: ["common"],
    packages: ["@tensorflow/tfjs", "yauzl"],
  },
  {
    name: "ops",
    what: "one table of what is known of TensorFlow's ops and ours: arguments, shapes of outputs, facts for passes",
    imports: ["common", "runtime"],
    packages: [],
  },
  {
    name: "compile",
    what: "eager, graph and XLA engines; knows nothing of models or distillation",
    imports: ["common", "runtime", "ops"],
    packages: [],
  },
  {
    name: "nn",
    what: "layers with PyTorch's semantics, NHWC; `gradients/` ops of TensorFlow's with other gradients, `gather/` rows by index, `shapes/` what is known without running",
    imports: ["common", "runtime", "ops"],
    packages: [],
  },
  {
    name: "models",
    what: "the registry and one file per family",
    imports: ["common", "runtime", "nn"],
    packages: [],
  },
  {
    name: "distill",
    what: "the registry, one file per method in `methods/`, by what it looks at, and in `parts/` what losses are made of",
    imports: ["common", "runtime", "nn"],
    packages: [],
  },
  {
    name: "data",
    what: "data sets, subsets, plans, batches, download",
    imports: ["common", "runtime"],
    packages: ["tar", "yauzl"],
  },
  {
    name: "checkpoint",
    what: "safetensors, both `.pth` formats, the restricted unpickler",
    imports: ["common"],
    packages: ["yauzl", "yazl"],
  },
  {
    name: "runFiles",
    what: "what a run leaves and reads back: names, schemas, checksums, identity",
    imports: ["common"],
    packages: ["zod"],
  },
  {
    name: "config",
    what: "the table of options, what each touches, presets, precedence",
    imports: ["common", "models", "distill", "data"],
    packages: [],
  },
  {
    name: "plugin",
    what: "files of others with methods, models and data sets: what they may use (`index.ts`), and how they are taken in",
    imports: ["common", "runtime", "nn", "models", "distill", "data"],
    packages: [],
    computed: ["load.ts"],
  },
  {
    name: "report/log",
    what: "what a run says while it lasts, and the logs that it leaves: epochs.csv, TensorBoard",
    imports: ["common"],
    packages: [],
  },
  {
    name: "report",
    what: "what people see: progress, tables, plots, pages; `runs/` reads runs back, `serve/` follows them, `track/` reports to trackers",
    imports: ["common", "runFiles", "config", "report/log"],
    packages: ["chalk", "cli-progress", "echarts"],
  },
  {
    name: "learn",
    what: "what a step of training computes: losses, gradients, optimizer, sums of metrics",
    imports: ["common", "runtime", "nn", "models", "distill", "config"],
    packages: [],
  },
  {
    name: "train",
    what: "drives it: preparation, epochs, evaluation, resume; `claim/` and `files/` a run's folder, `teacherCache/`",
    imports: [
      "common",
      "runtime",
      "compile",
      "nn",
      "models",
      "distill",
      "data",
      "checkpoint",
      "runFiles",
      "config",
      "report/log",
      "learn",
    ],
    packages: [],
  },
  {
    name: "testing",
    what: "checks for tests of plug-ins: gradients by differences, a compiled step against an eager one, data sets",
    imports: ["common", "runtime", "compile", "nn", "models", "distill", "data", "plugin", "learn", "train"],
    packages: [],
  },
  {
    name: "export",
    what: "TensorFlow SavedModels of trained models",
    imports: ["common", "runtime", "compile", "nn", "models", "data", "checkpoint", "learn", "train"],
    packages: [],
  },
  {
    name: "analysis",
    what: "what the projectors of a finished run have learned",
    imports: ["common", "runtime", "nn", "models", "data", "checkpoint", "runFiles", "report", "learn", "train"],
    packages: [],
  },
  {
    name: "bench",
    what: "images per second of training and of evaluation",
    imports: ["common", "runtime", "compile", "models", "distill", "data", "learn", "train"],
    packages: [],
  },
  {
    name: "sweep",
    what: "many runs from one list of choices, here or on a cluster",
    imports: ["common", "runtime", "distill", "data", "runFiles", "config", "report/log", "report", "learn", "train"],
    packages: [],
  },
  {
    name: "verify",
    what: "whether the files of a run are whole and belong together",
    imports: ["common", "data", "checkpoint", "runFiles", "config", "report/log", "train"],
    packages: [],
  },
  {
    name: "library",
    what: "what the command line does, for programs (`index.ts`): events, an abort signal, no output of its own",
    imports: [
      "common",
      "runtime",
      "compile",
      "data",
      "checkpoint",
      "config",
      "plugin",
      "report/log",
      "report",
      "train",
    ],
    packages: [],
  },
  {
    name: "cli",
    what: "commands, signals, help; `training/` and `bench/` what such commands share",
    imports: [
      "common",
      "runtime",
      "models",
      "distill",
      "data",
      "checkpoint",
      "config",
      "plugin",
      "report",
      "learn",
      "train",
      "export",
      "analysis",
      "bench",
      "sweep",
      "verify",
    ],
    packages: ["yargs"],
  },
];
