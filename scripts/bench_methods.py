"""Distillation methods in PyTorch, for bench-pytorch.py: written from the formulas of docs/methods.md.

METHODS has a row for each: its published weights, and what makes it. `make(student, teacher)` is given both networks'
sizes and returns a torch module whose call on the outputs of both and the labels is the method's own term.
"""

from typing import Callable, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn


class Output(NamedTuple):
    """What a network gives for a batch: maps [N, C, H, W], the pooled vector [N, C], logits [N, classes]."""

    maps: list
    pooled: torch.Tensor
    logits: torch.Tensor


class Sizes(NamedTuple):
    """Channels of a network's maps, size of its pooled vector, and its classifier."""

    channels: list
    pooled: int
    classifier: nn.Linear


class Method(NamedTuple):
    """loss = gamma * cross entropy + alpha * KL + beta * the term."""

    gamma: float
    alpha: float
    beta: float
    make: Callable


class Term(nn.Module):
    """A term without parameters."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, student, teacher, labels):
        return self.function(student, teacher, labels)


def plain(function):
    return lambda student, teacher: Term(function)


def to_smaller(one, other):
    """Two maps of one size: the larger is averaged."""
    size = min(one.shape[2], other.shape[2])
    return F.adaptive_avg_pool2d(one, size), F.adaptive_avg_pool2d(other, size)


def over_maps(term):
    """The sum of a term over pairs of maps."""

    def total(student, teacher, labels):
        return sum(term(*to_smaller(s, t)) for s, t in zip(student.maps, teacher.maps, strict=True))

    return plain(total)


def pointwise(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 1, bias=False)


# Logits.


def kl_of(student, teacher, temperature=4.0):
    """T^2 * KL of softened logits, the mean over images."""
    ours = F.log_softmax(student / temperature, 1)
    theirs = F.softmax(teacher / temperature, 1)
    return F.kl_div(ours, theirs, reduction="batchmean") * temperature**2


def kd(student, teacher, labels):
    return kl_of(student.logits, teacher.logits)


def dkd(student, teacher, labels, alpha=1.0, beta=8.0, temperature=4.0):
    """KL of the label against the rest, and KL among the rest."""
    mask = F.one_hot(labels, student.logits.shape[1]).bool()

    def label_and_rest(logits):
        p = F.softmax(logits / temperature, 1)
        own = p[mask]
        return torch.stack([own, p.masked_fill(mask, 0).sum(1)], 1)

    def others(logits):
        return (logits / temperature - 1000.0 * mask) * temperature

    ours, theirs = label_and_rest(student.logits), label_and_rest(teacher.logits)
    target = F.kl_div(ours.log(), theirs, reduction="batchmean") * temperature**2
    return alpha * target + beta * kl_of(others(student.logits), others(teacher.logits), temperature)


def dist(student, teacher, labels, temperature=4.0):
    """1 - Pearson's correlation of probabilities, of images and of classes."""

    def apart(x, y):
        x, y = (z - z.mean(1, keepdim=True) for z in (x, y))
        return 1 - ((x * y).sum(1) / (x.norm(dim=1) * y.norm(dim=1) + 1e-8)).mean()

    ours, theirs = (F.softmax(z.logits / temperature, 1) for z in (student, teacher))
    return temperature**2 * (apart(ours, theirs) + apart(ours.T, theirs.T))


# Pooled vectors.


class Ours(nn.Module):
    """Direction alignment of the mean of three projectors."""

    PROJECTORS = 3

    def __init__(self, student, teacher):
        super().__init__()
        made = (nn.Linear(student.pooled, teacher.pooled) for _ in range(self.PROJECTORS))
        self.projectors = nn.ModuleList(made)

    def forward(self, student, teacher, labels):
        projected = torch.stack([F.relu(project(student.pooled)) for project in self.projectors]).mean(0)
        return (1 - F.cosine_similarity(projected, teacher.pooled, dim=1)).mean()


def rkd(student, teacher, labels, distance=25.0, angle=50.0):
    """Distances of pairs and angles of triples."""

    def distances(x):
        square = x.square().sum(1)
        between = (square[:, None] + square[None] - 2 * x @ x.T).clamp(min=1e-12).sqrt()
        between = between * (1 - torch.eye(len(x), dtype=x.dtype, device=x.device))
        return between / (between.sum() / (len(x) * (len(x) - 1)))

    def angles(x):
        sides = F.normalize(x[None] - x[:, None], dim=2)
        return torch.bmm(sides, sides.transpose(1, 2))

    ours, theirs = student.pooled, teacher.pooled
    near = F.smooth_l1_loss(distances(ours), distances(theirs))
    return distance * near + angle * F.smooth_l1_loss(angles(ours), angles(theirs))


def pkt(student, teacher, labels, eps=1e-7):
    """KL between the images' likeness within the batch."""

    def likeness(x):
        unit = x / (x.norm(dim=1, keepdim=True) + eps)
        similar = (unit @ unit.T + 1) / 2
        return similar / similar.sum(1, keepdim=True)

    ours, theirs = likeness(student.pooled), likeness(teacher.pooled)
    return (theirs * ((theirs + eps) / (ours + eps)).log()).mean()


class Correlation(nn.Module):
    """Products between neighbours of how far two embeddings differ."""

    SIZE = 128

    def __init__(self, student, teacher):
        super().__init__()
        self.embed_s = nn.Linear(student.pooled, self.SIZE)
        self.embed_t = nn.Linear(teacher.pooled, self.SIZE)

    def forward(self, student, teacher, labels):
        apart = (self.embed_s(student.pooled) - self.embed_t(teacher.pooled)).abs()
        return (apart[:-1] * apart[1:]).sum(1).mean()


class Srrl(nn.Module):
    """The connected vector is to be the teacher's, and to give the teacher's logits."""

    def __init__(self, student, teacher):
        super().__init__()
        self.connect = pointwise(student.pooled, teacher.pooled)
        self.norm = nn.BatchNorm2d(teacher.pooled)
        self.classifier = [teacher.classifier]  # in a list: the teacher's, not this module's

    def forward(self, student, teacher, labels):
        connected = F.relu(self.norm(self.connect(student.pooled[:, :, None, None]))).flatten(1)
        logits = self.classifier[0](connected)
        return F.mse_loss(connected, teacher.pooled) + F.mse_loss(logits, teacher.logits)


# Maps.


class Hint(nn.Module):
    """Mean squared error of the second map through a convolution."""

    LAYER = 1

    def __init__(self, student, teacher):
        super().__init__()
        self.conv = nn.Conv2d(student.channels[self.LAYER], teacher.channels[self.LAYER], 1)
        self.bn = nn.BatchNorm2d(teacher.channels[self.LAYER])

    def forward(self, student, teacher, labels):
        regressed = F.relu(self.bn(self.conv(student.maps[self.LAYER])))
        return F.mse_loss(regressed, teacher.maps[self.LAYER])


def attention(ours, theirs):
    """Mean squared difference of where two maps are active."""
    activity = (F.normalize(x.square().mean(1).flatten(1)) for x in (ours, theirs))
    return F.mse_loss(*activity)


def similarity(student, teacher, labels):
    """Mean squared difference of the batch's Gram matrices, rows of length 1."""

    def gram(x):
        flat = x.flatten(1)
        return F.normalize(flat @ flat.T)

    return F.mse_loss(gram(student.maps[-1]), gram(teacher.maps[-1]))


def nst(ours, theirs):
    """Squared distance of mean channels in the space of the kernel (x . y)^2."""

    def kernel(x, y):
        return torch.bmm(x, y.transpose(1, 2)).square().mean()

    s, t = (F.normalize(x.flatten(2), dim=2) for x in (ours, theirs))
    return kernel(t, t) + kernel(s, s) - 2 * kernel(s, t)


class VidMap(nn.Module):
    """Likelihood of one map of the teacher given the student's."""

    VARIANCE = 5.0
    EPS = 1e-5

    def __init__(self, student, teacher):
        super().__init__()
        scale = torch.tensor(self.VARIANCE - self.EPS).expm1().log()
        self.log_scale = nn.Parameter(scale.repeat(teacher))
        layers = [pointwise(student, teacher), nn.ReLU(), pointwise(teacher, teacher), nn.ReLU()]
        self.regressor = nn.Sequential(*layers, pointwise(teacher, teacher))

    def forward(self, ours, theirs):
        ours, theirs = to_smaller(ours, theirs)
        variance = (F.softplus(self.log_scale) + self.EPS)[None, :, None, None]
        squares = (self.regressor(ours) - theirs).square()
        return 0.5 * (squares / variance + variance.log()).mean()


class Vid(nn.Module):
    def __init__(self, student, teacher):
        super().__init__()
        pairs = zip(student.channels, teacher.channels, strict=True)
        self.vid = nn.ModuleList(VidMap(s, t) for s, t in pairs)

    def forward(self, student, teacher, labels):
        pairs = zip(self.vid, student.maps, teacher.maps, strict=True)
        return sum(vid(s, t) for vid, s, t in pairs)


class Ickd(nn.Module):
    """Squared difference of the channels' Gram matrices, rows of length 1."""

    def __init__(self, student, teacher):
        super().__init__()
        self.embed = pointwise(student.channels[-1], teacher.channels[-1])
        self.norm = nn.BatchNorm2d(teacher.channels[-1])

    def forward(self, student, teacher, labels):
        def gram(x):
            flat = x.flatten(2)
            return F.normalize(torch.bmm(flat, flat.transpose(1, 2)), dim=2)

        ours = gram(self.norm(self.embed(student.maps[-1])))
        apart = (ours - gram(teacher.maps[-1])).square().sum()
        return apart / (ours.shape[0] * ours.shape[1])


METHODS = {
    "ours": Method(1, 0, 25, Ours),
    "kd": Method(0.1, 0, 0.9, plain(kd)),
    "dkd": Method(1, 0, 1, plain(dkd)),
    "dist": Method(1, 0, 2, plain(dist)),
    "hint": Method(1, 0, 100, Hint),
    "attention": Method(1, 0, 1000, over_maps(attention)),
    "similarity": Method(1, 0, 3000, plain(similarity)),
    "correlation": Method(1, 0, 0.02, Correlation),
    "srrl": Method(1, 1, 1, Srrl),
    "vid": Method(1, 0, 1, Vid),
    "nst": Method(1, 0, 50, over_maps(nst)),
    "ickd": Method(1, 0, 2.5, Ickd),
    "pkt": Method(1, 0, 30000, plain(pkt)),
    "rkd": Method(1, 0, 1, plain(rkd)),
}


def loss_of(method, term, student, teacher, labels):
    """The whole loss of a batch."""
    weighted = method.gamma * F.cross_entropy(student.logits, labels)
    if method.alpha != 0:
        weighted = weighted + method.alpha * kl_of(student.logits, teacher.logits)
    return weighted + method.beta * term(student, teacher, labels)
