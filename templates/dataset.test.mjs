// node --test NAME.test.mjs
import { test } from "node:test";
import { checkDataset, checkDatasetEngines } from "pefd/testing";
import plugin from "./NAME.mjs";

test("NAME is deterministic and has the requested number of images", () => checkDataset(plugin, "NAME"));

test("steps on NAME are bit-identical eager and compiled", () => checkDatasetEngines(plugin, "NAME"));
