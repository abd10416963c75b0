#!/usr/bin/env python3
"""Trains resnet8x4 with a frozen resnet32x4 on CIFAR-100 in PyTorch, to hold pefd's accuracies against.

The protocol is the paper's: SGD (0.05, momentum 0.9, weight decay 5e-4), batches of 64, crops of images padded by 4, flips;
models of bench-pytorch.py, losses of bench_methods.py. --precision bfloat16 runs forward passes under torch.autocast.
Prints one line of CSV an epoch (epoch, learning rate, training loss, test top-1, seconds) and writes the same to --out.

    VENV/bin/python scripts/train-pytorch.py --data data/cifar-100-binary --path_t TEACHER.pth --distill kd --epochs 24 \\
        --lr_decay_epochs 15,18,21 --seed 1 --out kd-1.csv
"""

import argparse
import importlib.util
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F

from bench_methods import METHODS, loss_of

spec = importlib.util.spec_from_file_location("bench_pytorch", pathlib.Path(__file__).with_name("bench-pytorch.py"))
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)

RECORD = 2 + 3 * 32 * 32  # coarse label, fine label, pixels


class Records(bench.Images):
    """The images [N, 3, 32, 32] and fine labels of a file of CIFAR-100's binary version."""

    def __init__(self, path):
        records = torch.from_numpy(np.fromfile(path, np.uint8).reshape(-1, RECORD))
        super().__init__(1, "cpu")
        self.padded = F.pad(records[:, 2:].reshape(-1, 3, 32, 32), (4, 4, 4, 4))
        self.labels = records[:, 1].long()


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the folder with train.bin and test.bin")
    parser.add_argument("--path_t", required=True, help="the teacher's ckpt_epoch_240.pth")
    parser.add_argument("--distill", default="kd", choices=METHODS)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--epochs", type=int, default=240)
    parser.add_argument("--lr_decay_epochs", default="150,180,210")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit_train", type=int, help="only so many training images, for a trial of this script")
    parser.add_argument("--out", required=True, help="the CSV file to write")
    return parser.parse_args()


def top1(student, images, reduced):
    """Percent of the test images whose label is the highest logit."""
    student.eval()
    hits = 0
    with torch.no_grad(), reduced:
        for pixels, labels in bench.plain(images, bench.TEST_BATCH):
            hits += (student(channels_last(pixels)).logits.argmax(1) == labels).sum().item()
    student.train()
    return 100 * hits / len(images)


def channels_last(pixels):
    return pixels.contiguous(memory_format=torch.channels_last)


def main():
    options = parse()
    torch.manual_seed(options.seed)
    decays = [int(epoch) for epoch in options.lr_decay_epochs.split(",")]
    reduced = torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bfloat16")
    folder = pathlib.Path(options.data)
    train, test = Records(folder / "train.bin"), Records(folder / "test.bin")
    if options.limit_train:
        train.padded, train.labels = train.padded[: options.limit_train], train.labels[: options.limit_train]
    teacher = bench.build("resnet32x4").to(memory_format=torch.channels_last).eval().requires_grad_(False)
    teacher.load_state_dict(torch.load(options.path_t, map_location="cpu", weights_only=True)["model"])
    student = bench.build("resnet8x4").to(memory_format=torch.channels_last).train()
    method = METHODS[options.distill]
    term = method.make(student.sizes, teacher.sizes).train()
    optimizer = bench.optimizer_of([student, term])

    with open(options.out, "w", encoding="utf-8") as log:
        print("epoch,learning_rate,train_loss,test_top1,seconds", file=log)
        for epoch in range(1, options.epochs + 1):
            started, total = time.perf_counter(), 0.0
            rate = 0.05 * 0.1 ** sum(epoch > decay for decay in decays)
            for group in optimizer.param_groups:
                group["lr"] = rate
            for pixels, labels in bench.epoch(train, options.batch_size):
                pixels = channels_last(pixels)
                with reduced:
                    with torch.no_grad():
                        guide = teacher(pixels)
                    loss = loss_of(method, term, student(pixels), guide, labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() * len(labels)
            took = time.perf_counter() - started
            row = f"{epoch},{rate:g},{total / len(train)},{top1(student, test, reduced):.2f},{took:.1f}"
            print(row, file=log, flush=True)
            print(row, flush=True)


if __name__ == "__main__":
    main()
