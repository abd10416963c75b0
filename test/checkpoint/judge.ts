import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { PYTHON } from "../helpers/python.js";

/** What the judge found in a file: name to [type, shape, bytes in hex]; null where it refused the file. */
export type Verdict = Readonly<Record<string, readonly [string, number[], string]>> | null;

/** Reads files (a length, then the bytes) from stdin and answers each with a line of JSON. */
const JUDGE = `
import io, json, resource, struct, sys, warnings
import torch, safetensors.torch
warnings.simplefilter('ignore')
torch.set_num_threads(1)
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
TYPES = {getattr(torch, t): n for t, n in [('float64','F64'),('float32','F32'),('float16','F16'),('bfloat16','BF16'),
         ('int64','I64'),('int32','I32'),('int16','I16'),('int8','I8'),('uint8','U8'),('bool','BOOL')]}
def holds(v): return isinstance(v, dict) and any(isinstance(t, torch.Tensor) for t in v.values())
def raw(t): return t.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes().hex() if t.numel() else ''
def state_of(data):
    if data[8:9] == b'{': return safetensors.torch.load(data)
    root = torch.load(io.BytesIO(data), weights_only=True, map_location='cpu')
    return next((root[n] for n in ['model', 'state_dict', 'net'] if holds(root.get(n))), root)
def verdict(data):
    try:
        return {k: [TYPES[t.dtype], list(t.shape), raw(t)] for k, t in state_of(data).items()}
    except Exception:
        return None
while True:
    head = sys.stdin.buffer.read(4)
    if len(head) < 4: break
    print(json.dumps(verdict(sys.stdin.buffer.read(struct.unpack('<I', head)[0]))), flush=True)
`;

/** PyTorch and safetensors' own reader in a process beside the test. */
export interface Judge {
  /** What it makes of a file; undefined where it broke down over it. */
  ask(file: Uint8Array): Promise<Verdict | undefined>;
  stop(): void;
}

export function startJudge(): Judge {
  let child: ChildProcessWithoutNullStreams | undefined;
  let lines: AsyncIterator<string> | undefined;
  const start = () => {
    child = spawn(PYTHON, ["-c", JUDGE]);
    child.stdin.on("error", () => undefined);
    child.stderr.resume();
    lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return { child, lines };
  };
  return {
    async ask(file) {
      const running = child && lines ? { child, lines } : start();
      const length = Buffer.alloc(4);
      length.writeUInt32LE(file.length);
      running.child.stdin.write(length);
      if (!running.child.stdin.write(file))
        await Promise.race([once(running.child.stdin, "drain"), once(running.child, "exit")]);
      const { value, done } = await running.lines.next();
      if (!done) return JSON.parse(value) as Verdict;
      child = undefined;
      return undefined;
    },
    stop: () => child?.kill(),
  };
}
