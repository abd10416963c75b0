import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { installRuntime } from "#pefd/runtime/setup/setUp.js";
import type { FakeMachine } from "../fakeMachine.js";
import { isReady, onMachine } from "./onMachine.js";

/** What can be missing on a machine, and what the sentence about it must say. */
const TROUBLE: Record<string, [(machine: FakeMachine) => void, RegExp, RegExp]> = {
  "no pip": [
    (machine) => machine.program("python3", "process.exit(1)"),
    /Python 3 with pip did not run/,
    /apt install python3-pip/,
  ],
  "no compiler": [
    (machine) => machine.program("g++", "process.exit(1)"),
    /compiled, but g\+\+ did not run/,
    /apt install make g\+\+/,
  ],
  "no network": [
    (machine) =>
      machine.program(
        "python3",
        "if (process.argv.includes('download')) { console.error('ERROR: No matching distribution found'); process.exit(1); }",
      ),
    /^tensorflow-cpu 2\.21\.0 \(274 MB\) could not be downloaded: ERROR: No matching distribution/,
    /network/,
  ],
  "a full disk": [
    (machine) =>
      machine.program(
        "python3",
        "if (process.argv.includes('download')) { console.error('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device'); process.exit(1); }",
      ),
    /could not be downloaded: .*No space left on device/,
    /^Free some space, or set PEFD_CACHE/,
  ],
  "another file than the pinned one": [
    (machine) =>
      machine.program(
        "python3",
        "if (process.argv.includes('download')) { console.error('ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.'); process.exit(1); }",
      ),
    /another hash than the pinned one; it was not used/,
    /pip config list/,
  ],
  "sources that do not compile": [
    (machine) =>
      writeFileSync(
        join(machine.packageFolder, "node_modules/@mapbox/node-pre-gyp/bin/node-pre-gyp"),
        "console.error('x.cc:1:2: error: no such type'); process.exit(1);",
      ),
    /did not compile: x\.cc:1:2: error: no such type/,
    /make, g\+\+/,
  ],
};

for (const [name, [inflict, message, hint]] of Object.entries(TROUBLE)) {
  test(`${name}: one sentence, what to do next, exit code 3`, () =>
    onMachine(async (machine) => {
      inflict(machine);
      await assert.rejects(installRuntime(machine.settings), (error) => {
        assert.ok(error instanceof PefdError);
        assert.match(error.message, message);
        assert.match(error.hint ?? "", hint);
        assert.equal(error.exitCode, 3);
        return true;
      });
      assert.equal(isReady(machine), false);
    }));
}

test("PEFD_RUNTIME with another word is refused as a mistake of the user", () =>
  onMachine(async (machine) => {
    const env = { ...machine.settings.env, PEFD_RUNTIME: "tpu" };
    await assert.rejects(
      installRuntime({ ...machine.settings, env }),
      (error: PefdError) => error.exitCode === 2 && /PEFD_RUNTIME is tpu/.test(error.message),
    );
  }));
test("a library that never loads ends in a sentence with the reason", () =>
  onMachine(
    async (machine) => {
      await assert.rejects(
        installRuntime(machine.settings),
        (error: PefdError) => error.exitCode === 3 && /undefined symbol/.test(error.message),
      );
    },
    () => false,
  ));
