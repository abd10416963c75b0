import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry } from "#pefd/common/registry.js";

const animals = () =>
  createRegistry({ one: "animal", many: "Animals" }, [
    { name: "heron", legs: 2 },
    { name: "ant", legs: 6 },
  ]);

test("rows are found by name and keep their order, those added later at the end", () => {
  const registry = animals();
  registry.add({ name: "adder", legs: 0 });
  assert.deepEqual(registry.names(), ["heron", "ant", "adder"]);
  assert.deepEqual(
    registry.rows().map(({ legs }) => legs),
    [2, 6, 0],
  );
  assert.equal(registry.row("ant").legs, 6);
  assert.equal(registry.find("bee"), undefined);
});

test("an unknown name is refused with the nearest one and the list of all", () => {
  assert.throws(() => animals().row("herron"), {
    name: "PefdError",
    exitCode: 2,
    hint: "Animals: heron, ant.",
    message: "unknown animal herron. Did you mean heron?",
  });
  assert.throws(() => animals().row("constructor"), { message: "unknown animal constructor." });
});

test("a name that is taken is a defect of the program, whether given at once or later", () => {
  const twice = { name: "ant", legs: 1 };
  assert.throws(() => animals().add(twice), /two rows of the animal ant/);
  assert.throws(() => createRegistry({ one: "animal", many: "Animals" }, [twice, twice]), /ant/);
});

test("a registry that is closed takes no more rows", () => {
  const registry = animals();
  registry.close();
  assert.throws(() => registry.add({ name: "adder", legs: 0 }), /adder is added after/);
  assert.deepEqual(registry.names(), ["heron", "ant"]);
});
