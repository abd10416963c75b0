#!/usr/bin/env python3
"""Measured peak of this CPU: products of matrices in float32 and bfloat16, and copying memory.

A step's share of it is what its multiplications would take at the peak over what it takes (docs/performance.md).
Prints one line each; --json prints a document. Needs PyTorch only, whose products are oneDNN's.
"""

import argparse
import json
import os
import time

import torch

COPIED = 1 << 28  # bytes


def fastest(run, repeats):
    """Seconds of the fastest of some calls, after one that is not counted."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def product(dtype, size, repeats):
    """Multiplications with an addition a second, in billions, of square matrices."""
    a, b = (torch.randn(size, size).to(dtype) for _ in range(2))
    result = torch.empty(size, size, dtype=dtype)
    return size**3 / fastest(lambda: torch.mm(a, b, out=result), repeats) / 1e9


def copying(repeats):
    """Bytes read and written a second, in billions, of more memory than caches hold."""
    source = torch.zeros(COPIED, dtype=torch.uint8)
    target = torch.empty_like(source)
    return 2 * COPIED / fastest(lambda: target.copy_(source), repeats) / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--size", type=int, default=4096, help="rows and columns of the matrices")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    limits = {
        "threads": options.threads,
        "float32Gmacs": product(torch.float32, options.size, options.repeats),
        "bfloat16Gmacs": product(torch.bfloat16, options.size, options.repeats),
        "memoryGbs": copying(options.repeats),
    }
    if options.json:
        print(json.dumps(limits))
        return
    print(f"{options.threads} threads")
    print(f"products in float32:  {limits['float32Gmacs']:8.0f} billion multiplications a second")
    print(f"products in bfloat16: {limits['bfloat16Gmacs']:8.0f}")
    print(f"memory:               {limits['memoryGbs']:8.1f} GB a second, read and written")


if __name__ == "__main__":
    main()
