"""Accuracy, size and speed of ONNX files of `pefd convert` on CIFAR-100's test images.

    python3 scripts/measure-onnx.py DIR/test.bin FILE.onnx...

Prints a row of a Markdown table per file: top-1 on all images, size, and milliseconds per image of batches of one and of
100 images, with one thread: the fastest of the calls in some seconds. Needs numpy and onnxruntime.
"""

import json
import os
import sys
import time

import numpy
import onnxruntime

RECORD = 3074
SECONDS = 10


def opened(file):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def logits_of(session, images):
    return session.run(["logits"], {"images": images})[0]


def fastest(session, images):
    """Milliseconds per image."""
    end, best = time.perf_counter() + SECONDS, float("inf")
    while time.perf_counter() < end:
        start = time.perf_counter()
        logits_of(session, images)
        best = min(best, time.perf_counter() - start)
    return 1000 * best / len(images)


def main(test, *files):
    records = numpy.fromfile(test, numpy.uint8).reshape(-1, RECORD)
    labels, pixels = records[:, 1], records[:, 2:].reshape(-1, 3, 32, 32)
    print("| file | top-1 | MB | ms per image, alone | of 100 |\n| --- | ---: | ---: | ---: | ---: |")
    for file in files:
        session = opened(file)
        info = session.get_modelmeta().custom_metadata_map
        mean, deviation = (numpy.float32(json.loads(info[key]))[:, None, None] for key in ("mean", "deviation"))
        images = (pixels.astype(numpy.float32) / numpy.float32(255) - mean) / deviation
        found = [logits_of(session, images[at : at + 100]).argmax(1) for at in range(0, len(images), 100)]
        top1 = 100 * (numpy.concatenate(found) == labels).mean()
        times = " | ".join(f"{fastest(session, images[:count]):.2f}" for count in (1, 100))
        print(f"| {os.path.basename(file)} | {top1:.2f} % | {os.path.getsize(file) / 1e6:.2f} | {times} |", flush=True)


main(*sys.argv[1:])
