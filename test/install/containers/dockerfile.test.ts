import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withMany } from "../../helpers/matrices.js";
import { ROOT } from "../../helpers/paths.js";
import { type Ended, runProgram } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { copyCheckout, lendTensorFlow } from "../package.js";
import { registryProblem } from "../registry.js";
import { makeRoot, rootProblem, runInRoot } from "./bareRoot.js";
import { type Instruction, readDockerfile, settings } from "./dockerfile.js";

/** Docker, or what stands for it, where its service answers. */
const docker = ["docker", "podman"].find((name) => spawnSync(name, ["info"]).status === 0);

const skip = withMany || registryProblem();

/** What is done in the finished image, in a folder of its user's. */
const WORK = [
  ["data", "synthesize", "--out", "data", "--train", "200", "--test", "100"],
  ["train-teacher", "--model", "resnet8", "--epochs", "1", "--data", "data"],
];

const done = (what: string, { exitCode, stdout, stderr }: Ended): void =>
  assert.equal(exitCode, 0, `${what}\n${stdout.slice(-1000)}${stderr.slice(-2000)}`);

test("the Dockerfile makes an image that trains", {
  skip: skip || (docker === undefined && "there is no docker and no podman here"),
  timeout: 1_800_000,
}, async (t) => {
  const program = docker ?? "";
  const work = temporaryFolder(t);
  const { env } = process;
  const tag = `pefd-test-${process.pid}`;
  t.after(() => spawnSync(program, ["rmi", "--force", tag]));
  done("build", await runProgram(program, ["build", "--tag", tag, ROOT], { env }));
  for (const words of WORK) {
    const run = ["run", "--rm", "--volume", `${work}:/work`, tag, ...words];
    done(words.join(" "), await runProgram(program, run, { env }));
  }
  assert.ok(existsSync(join(work, "save/models")));
});

/** A stage on its way: a root folder in place of layers, and what instructions have said so far. */
interface Image {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly entrypoint: readonly string[];
}

/** Copies the checkout, or files of an earlier stage. */
function copy({ root, cwd }: Image, text: string, stages: ReadonlyMap<string, Image>): void {
  const [, from, source = "", target = ""] = /^(?:--from=(\w+) )?(\S+) (\S+)$/.exec(text) ?? [];
  const place = join(root, target.startsWith("/") ? target : join(cwd, target));
  mkdirSync(place, { recursive: true });
  if (from === undefined) {
    copyCheckout(place);
    return;
  }
  const lines = `cp -a "$0"${source} "$1"`;
  const { status, stderr } = spawnSync("sh", ["-ec", lines, stages.get(from)?.root ?? "", place]);
  assert.equal(status, 0, `COPY ${text}: ${stderr}`);
}

/** What an instruction makes of an image. */
async function carryOut(image: Image, { name, text }: Instruction, stages: ReadonlyMap<string, Image>): Promise<Image> {
  const { root, env, cwd } = image;
  switch (name) {
    case "WORKDIR":
      return { ...image, cwd: text };
    case "ARG":
    case "ENV":
      return { ...image, env: { ...env, ...settings(text, env) } };
    case "ENTRYPOINT":
      return { ...image, entrypoint: JSON.parse(text) };
    case "COPY":
      copy(image, text, stages);
      return image;
    case "RUN":
      if (text.includes("pefd setup")) lendTensorFlow(join(root, env.PEFD_CACHE ?? ""));
      done(`RUN ${text}`, await runInRoot(root, cwd, env, ["/bin/sh", "-c", text]));
      return image;
    default:
      assert.equal(name, "CMD");
      return image;
  }
}

test("where there is no Docker, the Dockerfile's lines in a bare Debian make a pefd that trains", {
  skip: skip || (docker !== undefined && "there is a docker") || rootProblem(),
  timeout: 1_800_000,
}, async (t) => {
  const folder = temporaryFolder(t);
  const stages = new Map<string, Image>();
  let image: Image | undefined;
  for (const [number, { name, instructions }] of readDockerfile().entries()) {
    const root = join(folder, `${number}`);
    makeRoot(root);
    image = { root, env: {}, cwd: "/", entrypoint: [] };
    for (const instruction of instructions) image = await carryOut(image, instruction, stages);
    if (name !== undefined) stages.set(name, image);
  }
  assert.ok(image);
  const { root, cwd, env, entrypoint } = image;
  for (const words of WORK) {
    done(words.join(" "), await runInRoot(root, cwd, env, [...entrypoint, ...words]));
  }
  assert.ok(existsSync(join(root, "work/save/models")));
});
