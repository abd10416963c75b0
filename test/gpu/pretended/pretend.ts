import { mkdirSync, writeFileSync } from "node:fs";
import { pretendGpu } from "./pretendedGpu.js";

// node dist-test/gpu/pretended/pretend.js FOLDER: what the tests of this folder use, laid out to be used by hand.
//   . FOLDER/env.sh, then: node FOLDER/project/bin/pefd.js doctor
// The variables PRETENDED_GPUS, PRETENDED_SMI, PRETENDED_CUINIT and PRETENDED_GPU_LOG pretend other machines.

const folder = process.argv[2];
if (folder === undefined) throw new Error("Name a folder that is to hold the pretended installation.");
mkdirSync(folder, { recursive: true });
const { environment } = pretendGpu(folder);
const lines = Object.entries(environment()).filter(([name, value]) => process.env[name] !== value);
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
writeFileSync(`${folder}/env.sh`, lines.map(([name, value]) => `export ${name}=${quoted(value)}\n`).join(""));
process.stdout.write(`. ${folder}/env.sh; node ${folder}/project/bin/pefd.js doctor\n`);
