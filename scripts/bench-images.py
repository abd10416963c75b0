#!/usr/bin/env python3
"""What scripts/bench-images.js measures, in PyTorch: an image folder, torchvision's training transform, a DataLoader.

    python scripts/bench-images.py DATA [WORKERS] [EPOCHS]

Needs torch, numpy and Pillow. Where torchvision is not installed, its transform is done by the calls of Pillow and torch
that it consists of.
"""

import json
import math
import os
import resource
import sys
import time

import numpy
import torch
from PIL import Image

SIDE = 224
BATCH = 32
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def random_box(width, height):
    for _ in range(10):
        area = width * height * torch.empty(1).uniform_(0.08, 1).item()
        ratio = math.exp(torch.empty(1).uniform_(math.log(3 / 4), math.log(4 / 3)).item())
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            top = torch.randint(0, height - h + 1, (1,)).item()
            left = torch.randint(0, width - w + 1, (1,)).item()
            return left, top, left + w, top + h
    side = min(width, height)
    return (width - side) // 2, (height - side) // 2, (width + side) // 2, (height + side) // 2


def by_hand(image):
    image = image.crop(random_box(*image.size)).resize((SIDE, SIDE), Image.BILINEAR)
    if torch.rand(1) < 0.5:
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    pixels = torch.from_numpy(numpy.array(image, copy=True)).permute(2, 0, 1).contiguous()
    return pixels.float().div(255).sub_(MEAN).div_(DEVIATION)


def transform():
    try:
        from torchvision import transforms
    except ImportError:
        return "by hand", by_hand
    return "torchvision", transforms.Compose(
        [
            transforms.RandomResizedCrop(SIDE),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN.flatten().tolist(), DEVIATION.flatten().tolist()),
        ]
    )


class Folder(torch.utils.data.Dataset):
    def __init__(self, folder, apply):
        classes = sorted(os.listdir(folder))
        self.files = [
            os.path.join(folder, name, file) for name in classes for file in sorted(os.listdir(os.path.join(folder, name)))
        ]
        self.apply = apply

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        with open(self.files[index], "rb") as file:
            return self.apply(Image.open(file).convert("RGB")), 0


def processor_seconds():
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in whose)


def main():
    data, workers, epochs = sys.argv[1], int((sys.argv + ["2"])[2]), int((sys.argv + ["2", "6"])[3])
    torch.set_num_threads(1)
    name, apply = transform()
    folder = Folder(os.path.join(data, "train"), apply)
    # One pass over all epochs, so that worker processes start once.
    repeated = torch.utils.data.ConcatDataset([folder] * epochs)
    loader = torch.utils.data.DataLoader(repeated, batch_size=BATCH, shuffle=True, num_workers=workers)
    before, started = processor_seconds(), time.time()
    for _ in loader:
        pass
    seconds = time.time() - started
    del loader, _  # the workers' CPU time counts once they have ended
    images = len(repeated)
    print(
        json.dumps(
            {
                "images": images,
                "workers": workers,
                "transform": name,
                "perSecond": round(images / seconds),
                "perProcessorSecond": round(images / (processor_seconds() - before)),
            }
        )
    )


if __name__ == "__main__":
    main()
