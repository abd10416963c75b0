import { fail } from "./setup/problem.js";
import { setup } from "./setup/setup.js";

try {
  const changed = await setup();
  const outcome = changed ? "pefd is set up." : "pefd is already set up.";
  process.stderr.write(`${outcome} Check it with: node bin/pefd.js doctor\n`);
} catch (error) {
  fail(error);
}
