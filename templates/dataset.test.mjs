// node --test NAME.test.mjs
import { test } from "node:test";
import { checkDataset, checkDatasetEngines } from "pefd/testing";
import plugin from "./NAME.mjs";

test("NAME gives the same images and labels again, as many as it is asked for", () => checkDataset(plugin, "NAME"));

test("a few steps on NAME give the same bytes eagerly and compiled", () => checkDatasetEngines(plugin, "NAME"));
