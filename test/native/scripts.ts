import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../helpers/paths.js";

interface NativeBuild {
  buildNativeTests(settings: { sources: string; tests: string; objects: string; variant: string }): Promise<string>;
}

/** scripts/native/build.js; scripts are plain JavaScript. */
export const { buildNativeTests } = (await import(
  pathToFileURL(join(ROOT, "scripts/native/build.js")).href
)) as NativeBuild;

/** Where `npm run test:native` keeps what it compiles. */
export const OBJECTS = join(ROOT, "dist-test/native/objects");
