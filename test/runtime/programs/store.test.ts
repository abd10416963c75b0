import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readPrograms, writeProgram } from "#pefd/runtime/programs/kept.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

const program = { name: "loop.pb", bytes: Uint8Array.from({ length: 1000 }, (_, i) => i % 251) };
const GRAPH = "00ff";

const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  "cut off": (path) => truncateSync(path, 500),
  empty: (path) => truncateSync(path, 0),
  "of another content": (path) => {
    const bytes = readFileSync(path);
    bytes[700] = (bytes[700] as number) ^ 1;
    writeFileSync(path, bytes);
  },
};

test("a program comes back as it was written, to its own graph only", (t) => {
  const folder = join(temporaryFolder(t), "device");
  assert.deepEqual(readPrograms(folder, GRAPH), { programs: [], damaged: 0 });
  writeProgram(folder, GRAPH, program);
  const { programs, damaged } = readPrograms(folder, GRAPH);
  assert.deepEqual(
    programs.map(({ name, bytes }) => ({ name, bytes: Uint8Array.from(bytes) })),
    [program],
  );
  assert.equal(damaged, 0);
  assert.deepEqual(readPrograms(folder, "other").programs, []);
});

for (const [title, damage] of Object.entries(DAMAGES)) {
  test(`one that is ${title} is never handed out, and removed`, (t) => {
    const folder = temporaryFolder(t);
    writeProgram(folder, GRAPH, program);
    const [file = ""] = readdirSync(folder);
    copyFileSync(join(folder, file), join(folder, file.replace("loop", "other")));
    damage(join(folder, file));
    const { programs, damaged } = readPrograms(folder, GRAPH);
    assert.deepEqual([programs.map(({ name }) => name), damaged], [["other.pb"], 1]);
    assert.equal(readdirSync(folder).length, 1);
  });
}

test("a folder of a program's name is none", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, `${GRAPH}-loop.pb.xla`));
  assert.deepEqual(readPrograms(folder, GRAPH), { programs: [], damaged: 1 });
});

test("what cannot be written leaves nothing behind", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, `${GRAPH}-loop.pb.xla`, "full"), { recursive: true });
  assert.throws(() => writeProgram(folder, GRAPH, program));
  assert.equal(readdirSync(folder).length, 1);
});
