import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { writeOutputFile } from "#pefd/common/files/outputFile.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

test("a link stays one: what it leads to is written, there or not yet, near or far", async (t) => {
  const folder = temporaryFolder(t);
  const path = (name: string) => join(folder, name);
  mkdirSync(path("far"));
  writeFileSync(path("far/page.html"), "old");
  symlinkSync("far/page.html", path("link.html"));
  symlinkSync(path("link.html"), path("link to link.html"));
  symlinkSync("far/new.html", path("dangling.html"));
  for (const name of ["link.html", "link to link.html", "dangling.html"]) {
    await writeOutputFile(path(name), name);
    assert.ok(lstatSync(path(name)).isSymbolicLink(), name);
    assert.equal(readFileSync(path(name), "utf8"), name);
  }
  assert.equal(readlinkSync(path("link.html")), "far/page.html");
  assert.deepEqual(readdirSync(path("far")).sort(), ["new.html", "page.html"]);
});

test("a link in a circle is refused", async (t) => {
  const folder = temporaryFolder(t);
  symlinkSync("b", join(folder, "a"));
  symlinkSync("a", join(folder, "b"));
  await assert.rejects(writeOutputFile(join(folder, "a"), "x"), /a could not be written: its links form a loop/);
});

test("a device takes what is written and stays a device", async () => {
  const before = lstatSync("/dev/null");
  await writeOutputFile("/dev/null", "x");
  const after = lstatSync("/dev/null");
  assert.deepEqual([after.isCharacterDevice(), after.ino], [true, before.ino]);
  await assert.rejects(writeOutputFile("/dev/full", "x"), /\/dev\/full could .*the disk is full/);
});

test("a pipe waits for its reader, who gets everything", async (t) => {
  const pipe = join(temporaryFolder(t), "pipe");
  execFileSync("mkfifo", [pipe]);
  const content = "0123456789".repeat(50_000);
  const reader = spawn("cat", [pipe], { stdio: ["ignore", "pipe", "inherit"] });
  const [read] = await Promise.all([text(reader.stdout), writeOutputFile(pipe, content)]);
  assert.equal(read, content);
  assert.ok(lstatSync(pipe).isFIFO());
});

test("a reader who goes away is told as such", async (t) => {
  const pipe = join(temporaryFolder(t), "pipe");
  execFileSync("mkfifo", [pipe]);
  const reader = spawn("head", ["-c", "1", pipe], { stdio: "ignore" });
  const closed = once(reader, "close");
  await assert.rejects(writeOutputFile(pipe, "x".repeat(1e6)), /its reader closed the pipe/);
  await closed;
});
