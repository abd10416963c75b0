"""The models of bench-pytorch.py beside its ResNets, for 32x32 images, written from their papers with the sizes of src/models.

Each returns logits only: they are trained, not distilled.
"""

import torch
import torch.nn.functional as F
from torch import nn


class Unit(nn.Sequential):
    """A convolution padded so that stride 1 keeps the size, and its batch normalisation."""

    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1):
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        super().__init__(conv, nn.BatchNorm2d(outputs))


def shuffled(x, groups):
    """Channel j of block i becomes channel i of block j."""
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


class Classified(nn.Module):
    """Layers, the mean over all places, a classifier."""

    def __init__(self, layers, width, classes):
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        return self.classifier(self.layers(x).mean((2, 3)))


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, expansion, stride):
        super().__init__()
        wide = inputs * expansion
        self.up, self.spatial = Unit(inputs, wide), Unit(wide, wide, 3, stride, wide)
        self.down = Unit(wide, outputs)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        out = self.down(F.relu(self.spatial(F.relu(self.up(x)))))
        return x + out if self.adds else out


def mobilenet_v2(classes):
    layers, inputs = [Unit(3, 16, 3, 2), nn.ReLU()], 16
    groups = ((1, 8, 1, 1), (6, 12, 2, 1), (6, 16, 3, 2), (6, 32, 4, 2), (6, 48, 3, 1), (6, 80, 3, 2), (6, 160, 1, 1))
    for expansion, width, blocks, stride in groups:
        for i in range(blocks):
            layers.append(Inverted(inputs, width, expansion, stride if i == 0 else 1))
            inputs = width
    return Classified([*layers, Unit(160, 1280), nn.ReLU()], 1280, classes)


class ShuffleBlock(nn.Module):
    def __init__(self, inputs, width, stride, first):
        super().__init__()
        outputs = width if stride == 1 else width - inputs
        inner, self.groups = outputs // 4, 1 if first else 3
        self.down = Unit(inputs, inner, groups=self.groups)
        self.spatial = Unit(inner, inner, 3, stride, inner)
        self.up = Unit(inner, outputs, groups=3)
        self.stride = stride

    def forward(self, x):
        out = shuffled(F.relu(self.down(x)), self.groups)
        out = self.up(F.relu(self.spatial(out)))
        return F.relu(out + x if self.stride == 1 else torch.cat([out, F.avg_pool2d(x, 3, 2, 1)], 1))


def shuffle_v1(classes):
    layers, inputs = [Unit(3, 24), nn.ReLU()], 24
    for width, blocks in ((240, 4), (480, 8), (960, 4)):
        for i in range(blocks):
            layers.append(ShuffleBlock(inputs, width, 2 if i == 0 else 1, inputs == 24))
            inputs = width
    return Classified(layers, 960, classes)


class Keeping(nn.Module):
    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.first, self.spatial, self.last = Unit(half, half), Unit(half, half, 3, 1, half), Unit(half, half)

    def forward(self, x):
        left, right = x.chunk(2, 1)
        right = F.relu(self.last(self.spatial(F.relu(self.first(right)))))
        return shuffled(torch.cat([left, right], 1), 2)


class Halving(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        half = outputs // 2
        self.left = nn.Sequential(Unit(inputs, inputs, 3, 2, inputs), Unit(inputs, half))
        self.first = Unit(inputs, half)
        self.right = nn.Sequential(Unit(half, half, 3, 2, half), Unit(half, half))

    def forward(self, x):
        right = self.right(F.relu(self.first(x)))
        return shuffled(torch.cat([F.relu(self.left(x)), F.relu(right)], 1), 2)


def shuffle_v2(classes):
    layers, inputs = [Unit(3, 24), nn.ReLU()], 24
    for width, blocks in ((116, 3), (232, 7), (464, 3)):
        layers += [Halving(inputs, width), *(Keeping(width) for _ in range(blocks))]
        inputs = width
    return Classified([*layers, Unit(464, 1024), nn.ReLU()], 1024, classes)


def mobilenet(classes):
    layers, inputs = [Unit(3, 32, 3, 2), nn.ReLU()], 32
    widths = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    for width, stride in zip(widths, strides):
        layers += [Unit(inputs, inputs, 3, stride, inputs), nn.ReLU(), Unit(inputs, width), nn.ReLU()]
        inputs = width
    return Classified(layers, 1024, classes)


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.branch = nn.Sequential(
            *(Unit(inputs, width), nn.ReLU(), Unit(width, width, 3, stride), nn.ReLU(), Unit(width, 4 * width))
        )
        changes = stride != 1 or inputs != 4 * width
        self.shortcut = Unit(inputs, 4 * width, 1, stride) if changes else nn.Identity()

    def forward(self, x):
        return F.relu(self.branch(x) + self.shortcut(x))


def resnet50(classes):
    """With a 3x3 stem of stride 1, as for 32x32 images."""
    layers, inputs = [Unit(3, 64, 3, 1), nn.ReLU()], 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(blocks):
            layers.append(Bottleneck(inputs, width, stride if i == 0 else 1))
            inputs = 4 * width
    return Classified(layers, 2048, classes)


class Wide(nn.Module):
    """Normalisation and ReLU before each convolution."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        same = inputs == outputs
        self.shortcut = None if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        active = F.relu(self.bn1(x))
        out = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return out + (x if self.shortcut is None else self.shortcut(active))


def wide_resnet(depth, factor):
    def made(classes):
        layers, inputs = [nn.Conv2d(3, 16, 3, 1, 1, bias=False)], 16
        for width, stride in ((16, 1), (32, 2), (64, 2)):
            for i in range((depth - 4) // 6):
                layers.append(Wide(inputs, width * factor, stride if i == 0 else 1))
                inputs = width * factor
        return Classified([*layers, nn.BatchNorm2d(inputs), nn.ReLU()], inputs, classes)

    return made


def vgg(depth):
    """Five blocks of so many convolutions, for 32x32 images: halved before the second to the fourth."""

    def made(classes):
        layers, inputs = [], 3
        for place, width in enumerate((64, 128, 256, 512, 512)):
            if place in (1, 2, 3):
                layers.append(nn.MaxPool2d(2, 2))
            for _ in range(depth):
                layers += [nn.Conv2d(inputs, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU()]
                inputs = width
        return Classified(layers, inputs, classes)

    return made


MODELS = {
    "MobileNetV2": mobilenet_v2,
    "ShuffleV1": shuffle_v1,
    "ShuffleV2": shuffle_v2,
    "MobileNet": mobilenet,
    "ResNet50": resnet50,
    "wrn_16_2": wide_resnet(16, 2),
    "wrn_40_2": wide_resnet(40, 2),
    "vgg8": vgg(1),
    "vgg13": vgg(2),
}
