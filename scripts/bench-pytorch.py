#!/usr/bin/env python3
"""Times in PyTorch what `pefd bench` times, so that both can be run side by side on one machine.

Distillation by the methods of bench_methods.py, training of the teacher, and evaluation of the student: random images,
initial weights, making the batches included. The variants take turns, repeat by repeat, as in `pefd bench`, and the document
that --json prints has the same fields.

Variants (the field `engine`):
  pytorch-eager          the default layout, as the paper's code runs
  pytorch-channels_last  the same in the layout [N, H, W, C]; on a CPU in bfloat16 (autocast), too
  pytorch-compiled       a GPU only: bfloat16, torch.compile, the whole step as one CUDA graph, images on the device

Needs PyTorch only: python3 -m venv VENV && VENV/bin/pip install torch numpy && VENV/bin/python scripts/bench-pytorch.py
"""

import argparse
import json
import os
import re
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

from bench_models import MODELS
from bench_methods import METHODS, Output, Sizes, loss_of as distill_loss_of

CLASSES = 100
TEST_BATCH = 200
MEAN = (0.5071, 0.4867, 0.4408)
DEVIATION = (0.2675, 0.2565, 0.2761)


# Models: ResNet for 32x32 images, tensors named as in the checkpoints that pefd reads.


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if stride != 1 or inputs != width:
            shortcut = nn.Conv2d(inputs, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(width))

    def forward(self, x):
        branch = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(branch + shortcut)


class ResNet(nn.Module):
    """A stem and three stages of (depth - 2) / 6 blocks. Returns the stages' maps, the pooled vector and the logits."""

    def __init__(self, depth, widths):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.layer1 = self.stage(depth, widths[0], widths[1], 1)
        self.layer2 = self.stage(depth, widths[1], widths[2], 2)
        self.layer3 = self.stage(depth, widths[2], widths[3], 2)
        self.fc = nn.Linear(widths[3], CLASSES)
        self.sizes = Sizes(list(widths[1:]), widths[3], self.fc)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def stage(depth, inputs, width, stride):
        rest = [Block(width, width, 1) for _ in range((depth - 2) // 6 - 1)]
        return nn.Sequential(Block(inputs, width, stride), *rest)

    def forward(self, x):
        maps = []
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3):
            x = stage(x)
            maps.append(x)
        pooled = x.mean((2, 3))
        return Output(maps, pooled, self.fc(pooled))


class LogitsAlone(nn.Module):
    """A model of bench_models.py, whose maps nobody looks at."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return Output([], None, self.model(x))


def build(name):
    """A model by its name: resnet8x4, resnet32x4, resnet56, ..., or one of bench_models.py, which is trained alone."""
    if name in MODELS:
        return LogitsAlone(MODELS[name](CLASSES))
    found = re.fullmatch(r"resnet(\d+)(x4)?", name)
    if found is None or (int(found[1]) - 2) % 6 != 0:
        raise SystemExit(f"bench-pytorch: there is no model {name} here; resnet32x4, resnet8x4, resnet20, {', '.join(MODELS)} are.")
    widths = (32, 64, 128, 256) if found[2] else (16, 16, 32, 64)
    return ResNet(int(found[1]), widths)


# Data: images as bytes, a batch is cropped, flipped and normalised when it is needed.


class Images:
    """Random images [N, 3, 32, 32] and labels, on one device, padded by 4 with black."""

    def __init__(self, count, device):
        pixels = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
        self.padded = F.pad(pixels, (4, 4, 4, 4)).to(device)
        self.labels = torch.randint(0, CLASSES, (count,)).to(device)
        self.mean = torch.tensor(MEAN, device=device).mul(255).view(3, 1, 1)
        self.scale = torch.tensor(DEVIATION, device=device).mul(255).reciprocal().view(3, 1, 1)
        self.across = torch.arange(32, device=device)
        self.channel = torch.arange(3, device=device).view(1, 3, 1, 1)
        self.device = device

    def __len__(self):
        return len(self.labels)

    def batch(self, rows, y, x, flip):
        """Rows [N], offsets [N] from 0 to 8, flips [N] of 0 or 1. Returns float32 images and labels."""
        rows, y, x, flip = (values.to(self.device).view(-1, 1) for values in (rows, y, x, flip))
        columns = x + torch.where(flip == 1, 31 - self.across, self.across)
        lines = y + self.across
        found = self.padded[
            rows.view(-1, 1, 1, 1), self.channel, lines[:, None, :, None], columns[:, None, None, :]
        ]
        return (found.float() - self.mean) * self.scale, self.labels[rows.view(-1)]


def epoch(images, batch_size):
    """Batches of one pass in random order, every image with its own crop and flip."""
    count = len(images)
    order = torch.randperm(count)
    offsets = torch.randint(0, 9, (2, count))
    flips = torch.randint(0, 2, (count,))
    for start in range(0, count, batch_size):
        part = slice(start, start + batch_size)
        yield images.batch(order[part], offsets[0, part], offsets[1, part], flips[part])


def plain(images, batch_size):
    """The images as they are."""
    for start in range(0, len(images), batch_size):
        rows = torch.arange(start, min(start + batch_size, len(images)))
        middle = torch.full_like(rows, 4)
        yield images.batch(rows, middle, middle, torch.zeros_like(rows))


# Losses and metrics.


def hits(logits, labels):
    """[2]: labels that are the highest logit, and among the five highest."""
    best = logits.topk(5, 1).indices == labels.view(-1, 1)
    return torch.stack([best[:, 0].sum(), best.sum()]).float()


def supervised_loss(student, images, labels):
    logits = student(images).logits
    return F.cross_entropy(logits, labels), logits


def distill_loss(student, teacher, method, term, images, labels):
    """The loss of a method; the teacher is frozen."""
    with torch.no_grad():
        guide = teacher(images)
    output = student(images)
    return distill_loss_of(method, term, output, guide, labels), output.logits


# Variants: how a step is run. Each gives a function that trains on one batch and counts loss and hits.


def optimizer_of(modules):
    parameters = [parameter for module in modules for parameter in module.parameters()]
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=5e-4)


def eager_step(loss_of, modules, reduced):
    """As the paper's loop: loss and accuracies are read after every step. `reduced` is the forward pass's precision."""
    optimizer = optimizer_of(modules)

    def step(images, labels):
        with reduced:
            loss, logits = loss_of(images, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item(), hits(logits, labels).tolist()

    return step


def graph_step(loss_of, modules, shape, device):
    """The whole step as one CUDA graph: forward, backward, optimizer and sums of metrics."""
    optimizer = optimizer_of(modules)
    images = torch.zeros(shape, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(shape[0], dtype=torch.long, device=device)
    total = torch.zeros(3, device=device)
    compiled = torch.compile(loss_of, mode="max-autotune-no-cudagraphs")

    def once():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, cache_enabled=False):
            loss, logits = compiled(images, labels)
        loss.backward()
        optimizer.step()
        total.add_(torch.cat([loss.detach().view(1), hits(logits.detach(), labels)]))

    graph = captured(once)

    def step(new_images, new_labels):
        images.copy_(new_images)
        labels.copy_(new_labels)
        graph.replay()

    return step


def captured(run):
    """Captures what a function does, after it ran three times on a stream of its own."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph


class Variant:
    """How the same work is run."""

    def __init__(self, engine, precision, channels_last, compiled, data_device):
        self.engine = engine
        self.precision = precision
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.compiled = compiled
        self.data_device = data_device


def variants_for(device):
    found = [
        Variant("pytorch-eager", "float32", False, False, "cpu"),
        Variant("pytorch-channels_last", "float32", True, False, "cpu"),
    ]
    if device == "cuda":
        found.append(Variant("pytorch-compiled", "bfloat16", True, True, "cuda"))
    else:
        found.append(Variant("pytorch-channels_last", "bfloat16", True, False, "cpu"))
    return found


# Works: what is timed. Opening one with a variant gives a function of one batch, and the batches of one pass.


def placed(module, variant, device):
    return module.to(device).to(memory_format=variant.layout)


def precision_of(variant, options):
    """A context in which a forward pass has the variant's precision."""
    return torch.autocast(options.device, torch.bfloat16, enabled=variant.precision == "bfloat16")


def training(loss_of, modules, variant, options):
    images = Images(options.batch_size * options.steps, variant.data_device)
    if variant.compiled:
        shape = (options.batch_size, 3, 32, 32)
        step = graph_step(loss_of, modules, shape, options.device)
    else:
        step = eager_step(loss_of, modules, precision_of(variant, options))

    def run(batch):
        pixels, labels = batch
        pixels = pixels.to(options.device).contiguous(memory_format=variant.layout)
        step(pixels, labels.to(options.device))

    return run, lambda: epoch(images, options.batch_size)


def distill_opener(name):
    """What opens distillation by a method."""
    method = METHODS[name]

    def opener(variant, options):
        teacher = placed(build(options.teacher), variant, options.device).eval().requires_grad_(False)
        student = placed(build(options.student), variant, options.device).train()
        term = placed(method.make(student.sizes, teacher.sizes), variant, options.device).train()

        def loss_of(images, labels):
            return distill_loss(student, teacher, method, term, images, labels)

        return training(loss_of, [student, term], variant, options)

    return opener


def open_teacher(variant, options):
    model = placed(build(options.teacher), variant, options.device).train()

    def loss_of(images, labels):
        return supervised_loss(model, images, labels)

    return training(loss_of, [model], variant, options)


def open_evaluate(variant, options):
    model = placed(build(options.student), variant, options.device).eval()
    forward = torch.compile(model) if variant.compiled else model
    images = Images(options.test_images, variant.data_device)
    total = torch.zeros(3, device=options.device)
    reduced = precision_of(variant, options)

    @torch.no_grad()
    def run(batch):
        pixels, labels = (values.to(options.device) for values in batch)
        with reduced:
            logits = forward(pixels.contiguous(memory_format=variant.layout)).logits
        loss = F.cross_entropy(logits.float(), labels, reduction="sum")
        total.add_(torch.cat([loss.view(1), hits(logits, labels)]))

    return run, lambda: plain(images, TEST_BATCH)


def works_for(options):
    """For each name of --what: its works, each with what it is called, what opens it, and its size."""
    training_size = (options.batch_size, options.steps, options.batch_size * options.steps)
    test_batch = min(TEST_BATCH, options.test_images)
    test_size = (test_batch, -(-options.test_images // test_batch), options.test_images)
    pair = f"{options.teacher} -> {options.student}"
    return {
        "distill": [(f"distill {name} {pair}", distill_opener(name), training_size) for name in options.methods],
        "teacher": [(f"train teacher {options.teacher}", open_teacher, training_size)],
        "evaluate": [(f"evaluate {options.student}", open_evaluate, test_size)],
    }


# Measuring.


def timed(run, device):
    """Milliseconds until it is done, on the device as well."""
    started = time.perf_counter()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - started)


def first_step(opener, variant, options):
    """Opens a work and takes one step. Returns what runs a batch, the batches of a pass, and the milliseconds."""
    opened = []

    def start():
        opened.extend(opener(variant, options))
        run, batches = opened
        run(next(iter(batches())))

    milliseconds = timed(start, options.device)
    return opened[0], opened[1], milliseconds


def measure(work, variants, options):
    """Results of one work: the variants take turns, after a pass of each that is not counted."""
    what, opener, (batch_size, steps, images) = work
    opened = [(variant, *first_step(opener, variant, options)) for variant in variants]
    times = {variant: [] for variant in variants}
    for repeat in range(options.repeats + 1):
        for variant, run, batches, _ in opened:

            def one_pass():
                for batch in batches():
                    run(batch)

            took = timed(one_pass, options.device)
            if repeat > 0:
                times[variant].append(took)
    return [
        {
            "what": what,
            "engine": variant.engine,
            "precision": variant.precision,
            "batchSize": batch_size,
            "stepMs": statistics.median(times[variant]) / steps,
            "stepMsMin": min(times[variant]) / steps,
            "stepMsMax": max(times[variant]) / steps,
            "imagesPerSecond": 1000 * images / statistics.median(times[variant]),
            "firstStepMs": first,
        }
        for variant, _, _, first in opened
    ]


def device_name(device, threads):
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"CPU ({threads} threads)"


def print_table(document):
    print(f"{document['device']}, PyTorch {document['pytorch']}\n")
    width = 2 + max(len(row["what"]) for row in document["results"])
    print(f"{'what':{width}}{'engine':24}{'precision':11}{'batch':>6}{'ms/step':>10}{'images/s':>10}{'first step, ms':>16}")
    for row in document["results"]:
        print(
            f"{row['what']:{width}}{row['engine']:24}{row['precision']:11}{row['batchSize']:6}{row['stepMs']:10.2f}"
            f"{row['imagesPerSecond']:10.0f}{row['firstStepMs']:16.0f}"
        )


def arguments():
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description="Times in PyTorch what `pefd bench` times.")
    parser.add_argument("--batch-size", type=int, default=64 if gpu else 16)
    parser.add_argument("--steps", type=int, default=64 if gpu else 3, help="training steps per repeat")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--test-images", type=int, default=10_000 if gpu else 200)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="CPU threads")
    parser.add_argument("--what", help="default: distill,teacher,evaluate; distill alone with --distill")
    parser.add_argument("--distill", help=f"methods with commas between them, or all: {', '.join(METHODS)} (default: ours)")
    parser.add_argument("--teacher", default="resnet32x4")
    parser.add_argument("--student", default="resnet8x4")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    for name in ("batch_size", "steps", "repeats", "test_images", "threads"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    options.device = "cuda" if gpu else "cpu"
    options.what = options.what or ("distill" if options.distill else "distill,teacher,evaluate")
    options.methods = list(METHODS) if options.distill == "all" else (options.distill or "ours").split(",")
    missing = [name for name in options.methods if name not in METHODS]
    if missing:
        parser.error(f"--distill takes {', '.join(METHODS)} and all, not {missing[0]}")
    unknown = [name for name in options.what.split(",") if name not in works_for(options)]
    if unknown:
        parser.error(f"--what takes distill, teacher and evaluate, not {unknown[0]}")
    return options


def main():
    options = arguments()
    torch.manual_seed(10)
    torch.set_num_threads(options.threads)
    works = works_for(options)
    variants = variants_for(options.device)
    chosen = [work for name in options.what.split(",") for work in works[name]]
    results = [row for work in chosen for row in measure(work, variants, options)]
    document = {
        "device": device_name(options.device, options.threads),
        "pytorch": torch.__version__,
        "batchSize": options.batch_size,
        "repeats": options.repeats,
        "stepsPerRepeat": options.steps,
        "results": results,
    }
    print(json.dumps(document, indent=2)) if options.json else print_table(document)


if __name__ == "__main__":
    main()
