#!/usr/bin/env python3
"""PyTorch's side of bench-convolutions.js: bench-convolutions.py BATCH MILLISECONDS.

Reads a line for each measurement, [size, inputs, outputs, kernel, stride, groups, pass] as JSON, and answers with the
milliseconds of one call in the layout channels_last. Pass 0 is forward, 1 forward and the gradient of the images, 2 forward
and the gradient of the filter.
"""

import json
import os
import sys
import time

import torch
from torch import nn


def call_of(batch, size, inputs, outputs, kernel, stride, groups, which):
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    layer = layer.to(memory_format=torch.channels_last)
    layer.weight.requires_grad_(which == 2)
    x = torch.randn(batch, inputs, size, size).to(memory_format=torch.channels_last).requires_grad_(which == 1)
    dy = torch.randn_like(layer(x).detach())

    def forward():
        layer(x)

    def both():
        torch.autograd.grad(layer(x), x if which == 1 else layer.weight, dy)

    return forward if which == 0 else both


def main(batch, milliseconds):
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    known = {}
    for line in sys.stdin:
        if line not in known:
            known.clear()
            known[line] = call_of(batch, *json.loads(line))
        call = known[line]
        started, calls, passed = time.perf_counter(), 0, 0
        while passed < milliseconds / 1000:
            call()
            calls += 1
            passed = time.perf_counter() - started
        print(1000 * passed / calls, flush=True)


main(*map(int, sys.argv[1:]))
