"""Golden numbers of models for image sizes that the paper's own code was not run with.

    python3 scripts/golden_models.py resnet18 vgg8 OUT_FOLDER

The networks are plain PyTorch, written from their papers, with the names that the tensors have in state_dicts as published.
What a file holds and by which formula weights and images are filled: test/golden/README.md and test/golden/compare/formula.ts.
"""

import json
import math
import sys

import numpy
import torch
import torch.nn.functional as F
from torch import nn

ROUNDING = 6e-8
RERUNS = 8


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, figure 5 on the left)."""

    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        if stride != 1 or inputs != width:
            self.downsample = shortcut(inputs, width, stride)

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + (self.downsample(x) if hasattr(self, "downsample") else x))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 (figure 5 on the right); the stride is the 3x3 convolution's, as torchvision has it."""

    expansion = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = 4 * width
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        if stride != 1 or inputs != outputs:
            self.downsample = shortcut(inputs, outputs, stride)

    def forward(self, x):
        out = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        out = self.bn3(self.conv3(out))
        return F.relu(out + (self.downsample(x) if hasattr(self, "downsample") else x))


def shortcut(inputs, outputs, stride):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """ResNet for ImageNet (table 1); names as in torchvision's files."""

    def __init__(self, block, depths, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for i, depth in enumerate(depths):
            blocks = []
            for j in range(depth):
                blocks.append(block(inputs, 64 * 2**i, 2 if i > 0 and j == 0 else 1))
                inputs = 64 * 2**i * block.expansion
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, images):
        """The logits, the feature list, and the list before the last ReLUs (none of these has one)."""
        maps = [F.max_pool2d(F.relu(self.bn1(self.conv1(images))), 3, 2, 1)]
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            maps.append(layer(maps[-1]))
        pooled = maps[-1].mean((2, 3))
        return self.fc(pooled), [*maps, pooled], [*maps, pooled]


class Vgg(nn.Module):
    """VGG with batch normalisation, halved between its blocks; between the last two for images of 64 pixels only."""

    def __init__(self, depths, classes):
        super().__init__()
        inputs = 3
        for i, (depth, width) in enumerate(zip(depths, (64, 128, 256, 512, 512))):
            layers = []
            for _ in range(depth):
                layers += [nn.Conv2d(inputs, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU()]
                inputs = width
            setattr(self, f"block{i}", nn.Sequential(*layers[:-1]))
        self.classifier = nn.Linear(512, classes)

    def forward(self, images):
        sums, maps = [], []
        for i, block in enumerate((self.block0, self.block1, self.block2, self.block3, self.block4)):
            x = maps[-1] if maps else images
            if 0 < i < 4 or (i == 4 and images.shape[2] == 64):
                x = F.max_pool2d(x, 2)
            sums.append(block(x))
            maps.append(F.relu(sums[-1]))
        pooled = maps[-1].mean((2, 3))
        return self.classifier(pooled), [*maps, pooled], [maps[0], *sums[1:], pooled]


# Each golden file: the model's name in the registry, how to make it, images [N, 3, side, side], gradients to look at,
# and convolutions whose bias batch normalisation takes away again.
def golden_files():
    return {
        "resnet18": ("RESNET18_224", "RESNET18", lambda: ResNet(Block, (2, 2, 2, 2), 1000), 2, 224, "layer3.0.conv1.weight"),
        "vgg8": ("vgg8_64", "vgg8", lambda: Vgg((1, 1, 1, 1, 1), 200), 4, 64, "block2.0.weight"),
    }


def hash32(x):
    x = x ^ (x >> numpy.uint32(16))
    x = x * numpy.uint32(0x7FEB352D)
    x = x ^ (x >> numpy.uint32(15))
    x = x * numpy.uint32(0x846CA68B)
    return x ^ (x >> numpy.uint32(16))


def signed(key, shape):
    """Values in [-1, 1) by the formula, float64."""
    index = numpy.arange(math.prod(shape), dtype=numpy.uint64)
    mixed = hash32(((index + (key * 2654435761) % 2**32) % 2**32).astype(numpy.uint32))
    return torch.from_numpy(2 * (mixed / 2.0**32) - 1).reshape(shape)


def roles(network):
    """[name, shape, role] of every tensor."""
    kinds = {nn.Conv2d: "conv", nn.Linear: "linear", nn.BatchNorm2d: "bn"}
    modules = dict(network.named_modules())
    return [
        [name, list(tensor.shape), f"{kinds[type(modules[name.rpartition('.')[0]])]}.{name.rpartition('.')[2]}"]
        for name, tensor in network.state_dict().items()
    ]


def filled(role, shape, key):
    if role == "bn.num_batches_tracked":
        return torch.tensor(0)
    value = signed(key, shape)
    if role in ("conv.weight", "linear.weight"):
        return value * math.sqrt(3 / math.prod(shape[1:]))
    return {"bn.weight": 1 + value * 0.1, "bn.running_var": 1 + value * 0.5}.get(role, value * 0.1)


def off(tensor, rerun, key):
    """Off by one rounding, another way in every rerun."""
    if rerun == 0 or not tensor.is_floating_point():
        return tensor
    generator = torch.Generator().manual_seed(1000 * rerun + key)
    return tensor * (1 + ROUNDING * (2 * torch.rand(tensor.shape, generator=generator).to(tensor.dtype) - 1).sign())


def fresh(make, dtype, rerun):
    network = make().to(dtype)
    state = {
        name: off(filled(role, shape, key).to(torch.float32), rerun, key) for key, (name, shape, role) in enumerate(roles(network))
    }
    network.load_state_dict(state)
    return network


def computed(make, images, labels, dtype=torch.float32, rerun=0):
    """Everything that is compared, as tensors by name."""
    images = off(images, rerun, 9001).to(dtype)
    network = fresh(make, dtype, rerun).eval()
    with torch.no_grad():
        logits, features, preact = network(images)
    network = fresh(make, dtype, rerun).train()
    trained, _, _ = network(images)
    loss = F.cross_entropy(trained, labels)
    loss.backward()
    norms = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)]
    return {
        "logits": logits,
        "features": features,
        "preact": preact,
        "trainLogits": trained.detach(),
        "loss": loss.detach(),
        "norms": [(n, m.running_mean[:8].clone(), m.running_var[:8].clone()) for n, m in (norms[0], norms[-1])],
        "gradients": {name: p.grad for name, p in network.named_parameters()},
    }


def short(tensor):
    """Shortest decimals that read back to the same float32."""
    return [float(str(numpy.float32(value))) for value in tensor.reshape(-1).tolist()]


def digits(value, count=10):
    return float(f"{value:.{count}g}")


def norm(tensor):
    return float(tensor.double().norm())


def summary(tensor):
    flat = tensor.reshape(-1)
    wide = flat.double()
    probes = [(2 * j + 1) * len(flat) // 16 for j in range(8)]
    return {
        "shape": list(tensor.shape),
        "mean": digits(float(wide.mean())),
        "std": digits(float(wide.std(unbiased=False))),
        "l2": digits(norm(flat)),
        "first8": short(flat[:8]),
        "probe8": short(flat[probes]),
    }


def furthest(pairs):
    return digits(max(float((a.double() - b.double()).abs().max()) for a, b in pairs), 3)


def spread_of(own, others, zero, shown):
    """The largest differences to reruns."""
    relative = lambda a, b: abs(norm(a) - norm(b)) / norm(b)
    names = [name for name in own["gradients"] if name not in zero]
    return {
        "evalLogitsMaxAbs": furthest((o["logits"], own["logits"]) for o in others),
        "evalFeatureMaxAbs": furthest(
            pair for o in others for list_ in ("features", "preact") for pair in zip(o[list_], own[list_])
        ),
        "trainLogitsMaxAbs": furthest((o["trainLogits"], own["trainLogits"]) for o in others),
        "ceLossAbs": furthest((o["loss"], own["loss"]) for o in others),
        "gradL2MaxRel": digits(max(relative(o["gradients"][n], own["gradients"][n]) for o in others for n in names), 3),
        "gradZeroL2Max": digits(max([norm(o["gradients"][n]) for o in [own, *others[1:]] for n in zero] or [0]), 3),
        "gradFirst4MaxAbs": {
            n: furthest((o["gradients"][n].reshape(-1)[:4], own["gradients"][n].reshape(-1)[:4]) for o in others) for n in shown
        },
    }


def document(name, make, count, side, middle):
    network = make()
    layout = roles(network)
    labels = [3, 17, 42, 99][:count]
    images = (signed(9001, (count, 3, side, side)) * 2).to(torch.float32)
    compute = lambda **how: computed(make, images, torch.tensor(labels), **how)
    own = compute()
    others = [compute(dtype=torch.float64), *(compute(rerun=rerun) for rerun in range(1, RERUNS + 1))]
    weights = [n for n, _, role in layout if role in ("conv.weight", "linear.weight")]
    shown = [weights[0], middle, weights[-1]]
    zero = [n for n, _, role in layout if role == "conv.bias"]
    values = [t.double() for t in fresh(make, torch.float32, 0).state_dict().values() if t.is_floating_point()]
    total = sum(float(v.sum()) for v in values)
    first, last = [
        {"name": n, "runningMean": short(mean), "runningVar": short(variance)} for n, mean, variance in own["norms"]
    ]
    return {
        "name": name,
        "numClasses": layout[-1][1][0],
        "paramCount": sum(p.numel() for p in network.parameters()),
        "stateDict": layout,
        "stateCheck": {"sum": digits(total), "l2": digits(math.sqrt(sum(norm(v) ** 2 for v in values)))},
        "input": {"k": 9001, "shape": [count, 3, side, side], "scale": 2, "labels": labels},
        "eval": {
            "logits": [short(row) for row in own["logits"]],
            "features": [summary(f) for f in own["features"]],
            "featuresPreact": [summary(f) for f in own["preact"]],
        },
        "train": {
            "logits": [short(row) for row in own["trainLogits"]],
            "ceLoss": short(own["loss"])[0],
            "runningMeanAfter": {"first": first, "last": last},
            "gradL2": {n: 0 if n in zero else digits(norm(g)) for n, g in own["gradients"].items()},
            "gradZero": zero,
            "gradFirst4": {n: short(own["gradients"][n].reshape(-1)[:4]) for n in shown},
        },
        "spread": spread_of(own, others, zero, shown),
    }


def main(names, folder):
    for key in names:
        file, name, make, count, side, middle = golden_files()[key]
        with open(f"{folder}/{file}.json", "w") as out:
            json.dump(document(name, make, count, side, middle), out, separators=(",", ":"))
            out.write("\n")


if __name__ == "__main__":
    main(sys.argv[1:-1], sys.argv[-1])
