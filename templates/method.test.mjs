// node --test NAME.test.mjs
import { test } from "node:test";
import { checkMethodEngines, checkMethodGradients } from "pefd/testing";
import plugin from "./NAME.mjs";

test("the gradients of NAME match finite differences", () => checkMethodGradients(plugin, "NAME"));

test("steps of NAME are bit-identical eager and compiled", () => checkMethodEngines(plugin, "NAME"));
