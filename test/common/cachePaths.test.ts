import assert from "node:assert/strict";
import { test } from "node:test";
import { cacheDirectory } from "#pefd/common/cachePaths.js";

test("PEFD_CACHE wins over XDG_CACHE_HOME, which wins over the home folder", () => {
  const both = { PEFD_CACHE: "/a/b", XDG_CACHE_HOME: "/x" };
  assert.equal(cacheDirectory(both, "/home/u"), "/a/b");
  assert.equal(cacheDirectory({ XDG_CACHE_HOME: "/x" }, "/home/u"), "/x/pefd");
  assert.equal(cacheDirectory({}, "/home/u"), "/home/u/.cache/pefd");
});

test("empty variables and a relative XDG_CACHE_HOME count as not set", () => {
  const empty = { PEFD_CACHE: "", XDG_CACHE_HOME: "" };
  assert.equal(cacheDirectory(empty, "/home/u"), "/home/u/.cache/pefd");
  assert.equal(cacheDirectory({ XDG_CACHE_HOME: "x" }, "/home/u"), "/home/u/.cache/pefd");
});

test("a relative PEFD_CACHE becomes absolute", () => {
  assert.equal(cacheDirectory({ PEFD_CACHE: "c" }, "/home/u"), `${process.cwd()}/c`);
});
