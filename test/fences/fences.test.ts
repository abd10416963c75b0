import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "../helpers/paths.js";

interface Room {
  name: string;
  what: string;
  imports: string[];
  packages: string[];
  computed?: string[];
}

const { judge } = (await import(pathToFileURL(join(ROOT, "scripts/fences/check.js")).href)) as {
  judge(rooms: readonly Room[], files: ReadonlyMap<string, string>): string[];
};

const ROOMS: Room[] = [
  { name: "low", what: "", imports: [], packages: [] },
  { name: "high/inner", what: "", imports: ["low"], packages: [] },
  { name: "high", what: "", imports: ["high/inner"], packages: ["zod"] },
];

/** Files that use everything that ROOMS allows, and nothing else. */
const FILES = {
  "low/a.ts": 'import { join } from "node:path";',
  "high/inner/b.ts": 'import type { A } from "../../low/a.js";',
  "high/c.ts": 'import {\n  type B,\n} from "./inner/b.js";\nimport { z } from "zod";',
};

const complaints = (changed: Record<string, string>, rooms = ROOMS) =>
  judge(rooms, new Map(Object.entries({ ...FILES, ...changed })));

describe("fences between the folders of src", () => {
  it("says nothing of files that keep to the table", () => {
    assert.deepEqual(complaints({}), []);
  });

  const up = "../high/c.js";
  for (const text of [
    `import { c } from "${up}";`,
    `import type { C } from "${up}";`,
    `import "${up}";`,
    `export * from "${up}";`,
    `export {\n  c,\n} from "${up}";`,
    `const c = await import("${up}");`,
    `type C = import("${up}").C;`,
    `const c = require("${up}");`,
    `new Worker(new URL("${up}", import.meta.url));`,
    'import { c } from "#pefd/high/c.js";',
  ]) {
    it(`refuses ${JSON.stringify(text)} in a room below`, () => {
      assert.deepEqual(complaints({ "low/new.ts": text }), ["src/low/new.ts: low may not import high"]);
    });
  }

  it("refuses a folder or a loose file that the table does not name", () => {
    const unnamed = /its folder is in no row/;
    assert.match(complaints({ "new/a.ts": "" }).join(), unnamed);
    assert.match(complaints({ "loose.ts": "" }).join(), unnamed);
    assert.match(complaints({ "low/b.ts": 'import "../new/a.js";' }).join(), /is in no room/);
  });

  it("refuses what skips a room, packages that a row does not name, and names that are computed", () => {
    assert.match(complaints({ "high/d.ts": 'import "../low/a.js";' }).join(), /not import low/);
    assert.match(complaints({ "low/b.ts": 'import "zod";' }).join(), /not import zod/);
    assert.match(complaints({ "low/b.ts": 'import "node:process";' }).join(), /node:process/);
    assert.match(complaints({ "low/b.ts": "await import(name);" }).join(), /computed/);
    assert.match(complaints({ "low/b.ts": 'await import("./" + name);' }).join(), /computed/);
    assert.match(complaints({ "low/b.ts": `await import(\`./\${name}.js\`);` }).join(), /computed/);
  });

  it("lets the files that a row names import by computed names, as long as they do", () => {
    const rooms = ROOMS.map((room) => (room.name === "low" ? { ...room, computed: ["b.ts"] } : room));
    assert.deepEqual(complaints({ "low/b.ts": "await import(name);" }, rooms), []);
    assert.match(complaints({ "low/c.ts": "await import(name);" }, rooms).join(), /low\/c.ts: .* comp/);
    assert.match(complaints({}, rooms).join(), /low\/b.ts may import .* take it out/);
  });

  it("refuses circles of files, types included", () => {
    const circle = {
      "low/b.ts": 'import "./c.js";',
      "low/c.ts": 'import type { B } from "./b.js";',
    };
    assert.deepEqual(complaints(circle), ["circle: low/b.ts -> low/c.ts -> low/b.ts"]);
  });

  it("refuses a table out of order, and what it allows in vain", () => {
    const [low, inner, high] = ROOMS as [Room, Room, Room];
    assert.match(complaints({}, [inner, low, high]).join(), /does not stand above/);
    const generous = [low, inner, { ...high, imports: [...high.imports, "low"] }];
    assert.match(complaints({}, generous).join(), /may import low and does not/);
  });
});
