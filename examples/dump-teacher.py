#!/usr/bin/env python3
"""Writes a PyTorch teacher's outputs for CIFAR's training images, for pefd distill --teacher_outputs.

The teacher is a model of timm, by its name, or what a function in a Python file returns (my_models.py:resnet50). Each
view of an image is a random crop of it padded by 4, and a random flip, as pefd draws them; the file has the draws, so
that the student is shown the same. More views teach more and take more room: 40 MB a view for CIFAR-100 with 100
logits and 100 pooled values.

    python dump-teacher.py resnet34 --weights teacher.pth --data data/cifar-100-binary --views 20 --out teacher.safetensors

Needs torch, numpy and safetensors, and timm for its models. Results are the same for the same --seed and machine.
"""

import argparse
import importlib.util
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

PADDING = 4
# Training files, bytes before the pixels, mean and deviation of each data set.
DATASETS = {
    "cifar100": (["train.bin"], 2, (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    "cifar10": ([f"data_batch_{i}.bin" for i in range(1, 6)], 1, (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a name of timm's, or FILE.py:FUNCTION")
    parser.add_argument("--weights", help="its .pth or .safetensors file; by default those that timm has for it")
    parser.add_argument("--dataset", choices=DATASETS, default="cifar100")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the folder with the binary files")
    parser.add_argument("--views", type=int, default=1, help="views of each image")
    parser.add_argument("--mean", type=float, nargs=3, help="by default the data set's")
    parser.add_argument("--std", type=float, nargs=3, help="by default the data set's")
    parser.add_argument("--size", type=int, default=32, help="pixels that the model wants; others than 32 are resized to")
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--half", action="store_true", help="store float16 instead of float32")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True)
    return parser.parse_args()


def opened(options, classes):
    if ":" in options.model:
        path, name = options.model.rsplit(":", 1)
        spec = importlib.util.spec_from_file_location("teacher", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        model = getattr(module, name)()
    else:
        import timm

        model = timm.create_model(options.model, num_classes=classes, pretrained=options.weights is None)
    if options.weights is not None:
        is_pickled = not options.weights.endswith(".safetensors")
        state = torch.load(options.weights, "cpu", weights_only=True) if is_pickled else load_file(options.weights)
        model.load_state_dict(next((state[key] for key in ("model", "state_dict") if key in state), state))
    return model.eval().to(options.device)


def images_of(folder, files, labels):
    """The images [N, 3, 32, 32] in bytes, padded by zeros, and their labels."""
    read = np.concatenate([np.fromfile(folder / file, np.uint8) for file in files])
    records = torch.from_numpy(read.reshape(-1, labels + 3 * 32 * 32))
    return F.pad(records[:, labels:].reshape(-1, 3, 32, 32), [PADDING] * 4), records[:, labels - 1].long()


def shown(padded, draws):
    """The crops at y, x of padded images, flipped where the third number is 1."""
    crops = [image[:, y : y + 32, x : x + 32] for image, (y, x, _) in zip(padded, draws.tolist())]
    images = torch.stack(crops)
    return torch.where(draws[:, 2].bool().view(-1, 1, 1, 1), images.flip(-1), images)


@torch.inference_mode()
def main():
    options = arguments()
    files, labels, *normalization = DATASETS[options.dataset]
    padded, targets = images_of(options.data, files, labels)
    count = len(targets)
    model = opened(options, 100 if options.dataset == "cifar100" else 10)
    mean, std = ((typed or own) for typed, own in zip((options.mean, options.std), normalization))
    mean, std = (torch.tensor(values, device=options.device).view(1, 3, 1, 1) for values in (mean, std))
    caught = {}
    *_, classifier = (module for module in model.modules() if isinstance(module, torch.nn.Linear))
    classifier.register_forward_hook(lambda _, given, result: caught.update(pooled=given[0], logits=result))
    draw = torch.Generator().manual_seed(options.seed)
    most = torch.tensor([2 * PADDING + 1, 2 * PADDING + 1, 2])
    draws = (torch.rand(options.views, count, 3, generator=draw) * most).int()
    outputs = {"logits": [], "pooled": []}
    for view in range(options.views):
        for start in range(0, count, options.batch_size):
            part = slice(start, start + options.batch_size)
            images = shown(padded[part], draws[view, part]).to(options.device).float() / 255
            images = (images - mean) / std
            if options.size != 32:
                images = F.interpolate(images, options.size, mode="bicubic", antialias=True)
            result = model(images)
            # Of models that return more, such as features beside the logits, the classifier's own output.
            logits = result if isinstance(result, torch.Tensor) else caught["logits"]
            for name, values in (("logits", logits), ("pooled", caught["pooled"].flatten(1))):
                outputs[name].append(values.to(torch.float16 if options.half else torch.float32).cpu())
        print(f"view {view + 1} of {options.views}", flush=True)
    tensors = {name: torch.cat(parts).view(options.views, count, -1) for name, parts in outputs.items()}
    right = (tensors["logits"].argmax(-1) == targets).float().mean()
    save_file({**tensors, "labels": targets, "draws": draws}, options.out)
    print(f"{options.out}: {count} images, top-1 {100 * right:.2f}% on training views")


main()
