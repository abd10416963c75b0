import { spawnSync } from "node:child_process";
import { withMany } from "../helpers/matrices.js";

const compiler = spawnSync("g++", ["--version"], { encoding: "utf8" });

const missing = compiler.status === 0 ? undefined : "there is no g++ to compile them with";

/** Tests that compile C++. */
export const NATIVE = { skip: missing ?? false };

/** Tests under sanitizers, which take minutes. */
export const EVERYTHING = {
  skip: missing ?? withMany,
};
