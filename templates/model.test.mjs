// node --test NAME.test.mjs
import { test } from "node:test";
import { checkModelEngines, checkModelGradients } from "pefd/testing";
import plugin from "./NAME.mjs";

test("the gradients of NAME are those of its values, by finite differences", () => checkModelGradients(plugin, "NAME"));

test("a few steps of NAME give the same bytes eagerly and compiled", () => checkModelEngines(plugin, "NAME"));
