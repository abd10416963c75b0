import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { ROOT } from "../helpers/paths.js";

/** How a system call goes wrong: see shim.c. */
export type How = "kill" | "torn" | "gone" | "short" | "delay" | "ENOSPC" | "ENOSPC+" | "EIO" | "EINTR" | "EPERM";

/** Which call below a folder goes wrong, from 1 (0: none), and how. */
export interface Fault {
  readonly folder: string;
  readonly at: number;
  readonly how: How;
}

/** A fault as the shim is told it. */
export const faultWords = ({ folder, at, how }: Fault): string => `${folder}:${at}:${how}`;

let compiled: string | undefined;

/** The compiled shim, or why there is none here. It is removed when the test file is over. */
export function faultShim(): { library: string; missing: string | false } {
  if (compiled !== undefined) return { library: compiled, missing: false };
  const folder = mkdtempSync(join(tmpdir(), "pefd-shim-"));
  const library = join(folder, "shim.so");
  const source = join(ROOT, "test/faults/shim.c");
  const words = ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"];
  const { status } = spawnSync("gcc", words, { stdio: ["ignore", "inherit", "inherit"] });
  after(() => rmSync(folder, { recursive: true, force: true }));
  if (status !== 0) return { library, missing: "gcc is missing, which compiles the shim" };
  compiled = library;
  return { library, missing: false };
}

/** Variables that make a program meet a fault. */
export const faultEnvironment = (library: string, fault: Fault): Record<string, string> => ({
  LD_PRELOAD: library,
  PEFD_FAULT: faultWords(fault),
});
