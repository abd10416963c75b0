// node --test NAME.test.mjs
import { test } from "node:test";
import { checkMethodEngines, checkMethodGradients } from "pefd/testing";
import plugin from "./NAME.mjs";

test("the gradients of NAME are those of its values, by finite differences", () =>
  checkMethodGradients(plugin, "NAME"));

test("a few steps of NAME give the same bytes eagerly and compiled", () => checkMethodEngines(plugin, "NAME"));
