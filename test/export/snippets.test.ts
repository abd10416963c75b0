import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { pngOf } from "#pefd/data/synthetic/write.js";
import { ROOT } from "../helpers/paths.js";
import { pefd, runScript } from "../helpers/pefd.js";
import { missingPython, runPython } from "../helpers/python.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { findChromium, openTab } from "../report/page/browser.js";
import { randomTeacher, smallData } from "../train/runs.js";

const RECORD = 3074;

/** The code in a language below a heading of docs/export.md. */
function snippet(heading: string, language: string): string {
  const text = readFileSync(join(ROOT, "docs/export.md"), "utf8");
  const [, part = ""] = text.split(`\n## ${heading}\n`);
  const [, code] = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(part.split("\n## ")[0] as string) ?? [];
  assert.ok(code, `${heading} has no ${language}`);
  return code;
}

/** A folder with a model converted to OUT, the test images as pixels.bin, and what pefd predict says of them. */
async function prepared(t: TestContext, out: string, ...words: string[]) {
  const cwd = temporaryFolder(t);
  await smallData(cwd);
  await randomTeacher(cwd);
  const place = ["--data", "data"];
  const converted = await pefd(["convert", "teacher.safetensors", out, ...place, ...words], { cwd });
  assert.equal(converted.exitCode, 0, converted.stderr);
  const records = readFileSync(join(cwd, "data/test.bin"));
  const { stdout } = await pefd(
    ["predict", "--checkpoint", "teacher.safetensors", "data/test.bin", ...place, "--json"],
    { cwd },
  );
  const told = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).predictions[0] as { class: string; label: number });
  const images = told.map((_, i) => {
    const planes = records.subarray(i * RECORD + 2, (i + 1) * RECORD);
    return Buffer.from(Array.from(planes, (_, at) => planes[(at % 3) * 1024 + Math.floor(at / 3)] as number));
  });
  writeFileSync(join(cwd, "pixels.bin"), Buffer.concat(images));
  return { cwd, records, labels: told.map(({ label }) => label), classes: told.map((each) => each.class) };
}

/** Runs Python's snippet in a folder. @returns what it printed */
const printed = (cwd: string, code: string): string =>
  runPython(`import os, numpy\nos.chdir(${JSON.stringify(cwd)})
pixels = numpy.fromfile("pixels.bin", numpy.uint8).reshape(-1, 32, 32, 3)\n${code}`);

const numbersIn = (text: string): number[] => (text.match(/\d+/g) ?? []).map(Number);

test("ONNX in Python", { skip: missingPython("onnxruntime", "numpy") }, async (t) => {
  const { cwd, classes } = await prepared(t, "student.onnx");
  assert.deepEqual(JSON.parse(printed(cwd, snippet("ONNX", "python")).replaceAll("'", '"')), classes);
});

const nodeModules = process.env.PEFD_NODE_ONNX;
const noNode = nodeModules === undefined && "no onnxruntime-node (PEFD_NODE_ONNX names the node_modules that has it)";

test("ONNX in Node.js", { skip: noNode }, async (t) => {
  const { cwd, labels } = await prepared(t, "student.onnx", "--with_preprocessing");
  symlinkSync(nodeModules as string, join(cwd, "node_modules"));
  const pixels =
    'import { readFileSync } from "node:fs";\nconst pixels = new Uint8Array(readFileSync("pixels.bin"));\n';
  writeFileSync(join(cwd, "classify.mjs"), `${pixels}${snippet("ONNX", "js")}`);
  const { exitCode, stdout, stderr } = await runScript(join(cwd, "classify.mjs"), [], { cwd });
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(numbersIn(stdout), labels);
});

const headers = "/usr/include/onnxruntime";
const noCpp = !existsSync(join(headers, "onnxruntime_cxx_api.h")) && "no headers of ONNX Runtime (libonnxruntime-dev)";

test("ONNX in C++", { skip: noCpp }, async (t) => {
  const { cwd, labels } = await prepared(t, "student.onnx", "--with_preprocessing");
  writeFileSync(join(cwd, "classify.cpp"), snippet("ONNX", "cpp"));
  const compiled = spawnSync("g++", ["classify.cpp", `-I${headers}`, "-lonnxruntime"], { cwd, encoding: "utf8" });
  assert.equal(compiled.status, 0, compiled.stderr);
  const { status, stdout, stderr } = spawnSync("./a.out", { cwd, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.deepEqual(numbersIn(stdout), labels);
});

const noTensorFlow = missingPython("tensorflow", "numpy");

test("a SavedModel in Python", { skip: noTensorFlow }, async (t) => {
  const { cwd, labels } = await prepared(t, "student");
  assert.deepEqual(numbersIn(printed(cwd, snippet("SavedModel", "python"))), labels);
});

test("LiteRT in Python", { skip: noTensorFlow }, async (t) => {
  const { cwd, labels } = await prepared(t, "student.tflite", "--with_preprocessing");
  assert.deepEqual(numbersIn(printed(cwd, snippet("LiteRT", "python"))), labels);
});

const chromium = findChromium();
const noChromium = chromium === undefined && "no Chromium here (PEFD_CHROMIUM names one)";

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".png": "image/png" };

/** Serves a folder on this machine until the test ends. @returns its address */
async function served(t: TestContext, folder: string): Promise<string> {
  const server = createServer(({ url = "" }, response) => {
    const file = join(folder, new URL(url, "http://localhost").pathname);
    if (!existsSync(file)) return response.writeHead(404).end();
    return response
      .writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" })
      .end(readFileSync(file));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("TensorFlow.js in a page", { skip: noChromium }, async (t) => {
  const { cwd, records, classes } = await prepared(t, "student.tfjs");
  writeFileSync(join(cwd, "picture.png"), pngOf(records.subarray(2, RECORD), 32));
  copyFileSync(createRequire(import.meta.url).resolve("@tensorflow/tfjs/dist/tf.min.js"), join(cwd, "tf.min.js"));
  writeFileSync(join(cwd, "page.html"), snippet("TensorFlow.js", "html"));
  const tab = await openTab(t, chromium ?? "");
  await tab.open(`${await served(t, cwd)}/page.html`);
  const title = await tab.evaluate<string>(`(async () => {
    while (document.title === "") await new Promise((done) => setTimeout(done, 20));
    return document.title;
  })()`);
  assert.equal(title, classes[0]);
});
