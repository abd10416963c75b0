// node --test NAME.test.mjs
import { test } from "node:test";
import { checkModelEngines, checkModelGradients } from "pefd/testing";
import plugin from "./NAME.mjs";

test("the gradients of NAME match finite differences", () => checkModelGradients(plugin, "NAME"));

test("steps of NAME are bit-identical eager and compiled", () => checkModelEngines(plugin, "NAME"));
