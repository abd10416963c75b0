import { fail } from "./setup/problem.js";
import { setup } from "./setup/setup.js";

try {
  const changed = await setup();
  const outcome = changed ? "pefd is set up." : "pefd is set up already.";
  process.stderr.write(`${outcome} See for yourself: node bin/pefd.js doctor\n`);
} catch (error) {
  fail(error);
}
