"""Golden numbers of methods on families of models whose maps the authors' files define in a way of their own, and on pairs
with unequally many maps.

    python3 scripts/golden_families.py test/golden/methods/families

Networks and terms are plain PyTorch, written from the papers and from the formulas of the repositories named; which map a
method takes is what that repository's model files give it. Format, keys and bounds: test/golden/README.md.
"""

import json
import sys

import torch
import torch.nn.functional as F
from golden_models import Vgg, digits, filled, furthest, norm, off, roles, short, signed
from torch import nn

CLASSES, BATCH, STEPS, INIT_STEPS, RERUNS = 100, 4, 4, 3, 4
LABELS = [3, 17, 42, 99]


def rate_of(student):
    """A higher one makes MobileNetV2's loss on formula weights grow without end."""
    return 0.001 if student == "MobileNetV2" else 0.05


class WideBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        if inputs != outputs:
            self.convShortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        active = F.relu(self.bn1(x))
        out = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return out + (self.convShortcut(active) if hasattr(self, "convShortcut") else x)


class Stage(nn.Module):
    def __init__(self, blocks, inputs, outputs, stride):
        super().__init__()
        self.layer = nn.Sequential(
            *(WideBlock(outputs if i else inputs, outputs, 1 if i else stride) for i in range(blocks))
        )

    def forward(self, x):
        return self.layer(x)


class Wrn(nn.Module):
    """The maps are what the stages give (RepDistiller); `averaged` is behind the last normalisation and ReLU (ICKD)."""

    def __init__(self, depth, factor):
        super().__init__()
        widths, blocks = [16, 16 * factor, 32 * factor, 64 * factor], (depth - 4) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        for i in range(3):
            setattr(self, f"block{i + 1}", Stage(blocks, widths[i], widths[i + 1], 2 if i else 1))
        self.bn1 = nn.BatchNorm2d(widths[3])
        self.fc = nn.Linear(widths[3], CLASSES)

    def look(self, images):
        maps = [self.conv1(images)]
        for stage in (self.block1, self.block2, self.block3):
            maps.append(stage(maps[-1]))
        return maps[1:], F.relu(self.bn1(maps[-1])), self.fc


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, expansion, stride):
        super().__init__()
        wide = inputs * expansion
        self.conv = nn.Sequential(
            *(nn.Conv2d(inputs, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()),
            *(nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.ReLU()),
            *(nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs)),
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    """At half the width; a 1x1 convolution stands between the last map and the averaged one."""

    GROUPS = ((1, 8, 1, 1), (6, 12, 2, 1), (6, 16, 3, 2), (6, 32, 4, 2), (6, 48, 3, 1), (6, 80, 3, 2), (6, 160, 1, 1))

    def __init__(self):
        super().__init__()
        unit = lambda *conv: nn.Sequential(nn.Conv2d(*conv, bias=False), nn.BatchNorm2d(conv[1]), nn.ReLU())
        self.conv1, self.blocks, inputs = unit(3, 16, 3, 2, 1), nn.ModuleList(), 16
        for expansion, width, count, stride in self.GROUPS:
            blocks = [Inverted(width if i else inputs, width, expansion, 1 if i else stride) for i in range(count)]
            self.blocks.append(nn.Sequential(*blocks))
            inputs = width
        self.conv2 = unit(160, 1280, 1)
        self.classifier = nn.Sequential(nn.Linear(1280, CLASSES))

    def look(self, images):
        outputs = [self.conv1(images)]
        for group in self.blocks:
            outputs.append(group(outputs[-1]))
        return [outputs[i + 1] for i in (1, 2, 4, 6)], self.conv2(outputs[-1]), self.classifier


class Vgg8(Vgg):
    def __init__(self):
        super().__init__((1, 1, 1, 1, 1), CLASSES)

    def look(self, images):
        _, features, _ = self(images)
        return features[1:-1], features[-2], self.classifier


MODELS = {
    "wrn_16_1": lambda: Wrn(16, 1),
    "wrn_16_2": lambda: Wrn(16, 2),
    "MobileNetV2": MobileNetV2,
    "vgg8": Vgg8,
}


class Seen:
    """What a network gives for images: maps, the map that is averaged, its mean, logits, the classifier."""

    def __init__(self, network, images):
        self.maps, self.averaged, self.classifier = network.look(images)
        self.pooled = self.averaged.mean((2, 3))
        self.logits = self.classifier(self.pooled)
        last = self.classifier if isinstance(self.classifier, nn.Linear) else self.classifier[0]
        self.weight = last.weight


def kl(student, teacher, temperature=4.0):
    """T^2 KL of each row."""
    p = F.softmax(teacher / temperature, 1)
    return temperature**2 * (p * (p.log() - F.log_softmax(student / temperature, 1))).sum(1)


class Ickd(nn.Module):
    """ADLab-AutoDrive/ICKD: Gram matrices of the channels of the averaged maps."""

    def __init__(self, student, teacher):
        super().__init__()
        self.embed_s = nn.ModuleDict()
        inputs, outputs = student.averaged.shape[1], teacher.averaged.shape[1]
        self.embed_s["conv2d"] = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.embed_s["l2norm"] = nn.BatchNorm2d(outputs)

    def forward(self, student, teacher, labels):
        def gram(x):
            flat = x.flatten(2)
            return F.normalize(flat @ flat.transpose(1, 2), dim=2)

        ours = gram(self.embed_s["l2norm"](self.embed_s["conv2d"](student.averaged)))
        difference = ours - gram(teacher.averaged)
        return (difference**2).sum() / (ours.shape[1] * BATCH)


class CatKd(nn.Module):
    """GzyAftermath/CAT-KD: class maps of the averaged maps, the student's classifier without bias."""

    def forward(self, student, teacher, labels):
        places = [
            F.adaptive_avg_pool2d(F.conv2d(seen.averaged, seen.weight[:, :, None, None]), 2) for seen in (student, teacher)
        ]
        return F.mse_loss(*places)


class SddKd(nn.Module):
    """shicaiwei123/SDD-CVPR2024: KL on 1 + 4 + 16 regions of the averaged maps."""

    def forward(self, student, teacher, labels):
        def regions(seen):
            finest = F.adaptive_avg_pool2d(seen.averaged, 4)
            cells = [F.adaptive_avg_pool2d(finest, side).flatten(2) for side in (1, 2, 4)]
            return seen.classifier(torch.cat(cells, 2).transpose(1, 2))  # [N, regions, classes]

        ours, theirs = regions(student), regions(teacher)
        right = theirs.argmax(2) == labels[:, None]
        weights = 1.0 + (right != right[:, :1])
        each = kl(ours.flatten(0, 1), theirs.flatten(0, 1)).reshape(BATCH, -1)
        return (weights * each).mean()


def to_smaller(one, other):
    size = min(one.shape[2], other.shape[2])
    return F.adaptive_avg_pool2d(one, size), F.adaptive_avg_pool2d(other, size)


def zipped(student, teacher):
    """RepDistiller: the first map with the first and so on; zip leaves out what only one of both has."""
    return [to_smaller(ours, theirs) for ours, theirs in zip(student.maps, teacher.maps)]


class Attention(nn.Module):
    def forward(self, student, teacher, labels):
        active = lambda x: F.normalize((x**2).mean(1).flatten(1))
        return sum(((active(s) - active(t)) ** 2).mean() for s, t in zipped(student, teacher))


class Nst(nn.Module):
    def forward(self, student, teacher, labels):
        rows = lambda x: F.normalize(x.flatten(2), dim=2)
        kernel = lambda x, y: ((x @ y.transpose(1, 2)) ** 2).mean()
        pairs = [(rows(s), rows(t)) for s, t in zipped(student, teacher)]
        return sum(kernel(t, t) + kernel(s, s) - 2 * kernel(s, t) for s, t in pairs)


class VidMap(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(outputs))
        pointwise = lambda channels: nn.Conv2d(channels, outputs, 1, bias=False)
        self.regressor = nn.Sequential(pointwise(inputs), nn.ReLU(), pointwise(outputs), nn.ReLU(), pointwise(outputs))

    def forward(self, ours, theirs):
        variance = (torch.log(1 + torch.exp(self.log_scale)) + 1e-5).reshape(1, -1, 1, 1)
        return (0.5 * ((self.regressor(ours) - theirs) ** 2 / variance + torch.log(variance))).mean()


class Vid(nn.Module):
    def __init__(self, student, teacher):
        super().__init__()
        self.vid = nn.ModuleList(VidMap(s.shape[1], t.shape[1]) for s, t in zip(student.maps, teacher.maps))

    def forward(self, student, teacher, labels):
        return sum(one(*pair) for one, pair in zip(self.vid, zipped(student, teacher)))


class Coder(nn.Module):
    def __init__(self, **coders):
        super().__init__()
        for name, layers in coders.items():
            setattr(self, name, nn.Sequential(*layers))


class Factor(nn.Module):
    """RepDistiller's paraphraser and translator; the first phase trains the paraphraser alone."""

    def __init__(self, student, teacher):
        super().__init__()
        ours, theirs = student.maps[-1].shape[1], teacher.maps[-1].shape[1]
        factors = theirs // 2
        steps = lambda kind, widths: [
            layer
            for a, b in zip(widths, widths[1:])
            for layer in (kind(a, b, 3, 1, 1), nn.Identity(), nn.LeakyReLU(0.1))
        ]
        encoder = steps(nn.Conv2d, (theirs, theirs, factors, factors))
        decoder = steps(nn.ConvTranspose2d, (factors, factors, theirs, theirs))
        self.paraphraser = Coder(encoder=encoder, decoder=decoder)
        translator = steps(nn.Conv2d, (ours, ours, factors, factors))
        for i, width in ((1, ours), (4, factors), (7, factors)):
            translator[i] = nn.BatchNorm2d(width)
        self.translator = Coder(encoder=translator)

    def init(self, teacher):
        made = self.paraphraser.decoder(self.paraphraser.encoder(teacher.maps[-1]))
        return F.mse_loss(made, teacher.maps[-1])

    def forward(self, student, teacher, labels):
        pair = to_smaller(self.translator.encoder(student.maps[-1]), self.paraphraser.encoder(teacher.maps[-1]))
        ours, theirs = (F.normalize((x**2).mean(1).flatten(1)) for x in pair)
        return (ours - theirs.detach()).abs().mean()


def plain(kind):
    return lambda student, teacher: kind()


REP_DISTILLER = "HobbitLong/RepDistiller"
# Each file: method, repository, teacher, student, gamma, beta, the term, tensors to look at after the last step.
WRN_TENSORS = ["conv1.weight", "block2.layer.0.convShortcut.weight", "bn1.weight", "bn1.running_var", "fc.weight"]
VGG_TENSORS = ["block0.0.weight", "block3.1.running_mean", "block4.0.weight", "classifier.bias"]
FILES = {
    "ickd_wrn": ("ickd", "ADLab-AutoDrive/ICKD", "wrn_16_2", "wrn_16_1", 1, 2.5, Ickd, WRN_TENSORS),
    "ickd_MobileNetV2": (
        *("ickd", "ADLab-AutoDrive/ICKD", "wrn_16_1", "MobileNetV2", 1, 2.5, Ickd),
        ["conv1.0.weight", "conv2.0.weight", "conv2.1.running_mean", "classifier.0.bias"],
    ),
    "cat_kd_wrn": ("cat_kd", "GzyAftermath/CAT-KD", "wrn_16_2", "wrn_16_1", 1, 12, plain(CatKd), WRN_TENSORS),
    "sdd_kd_wrn": ("sdd_kd", "shicaiwei123/SDD-CVPR2024", "wrn_16_2", "wrn_16_1", 0.1, 0.9, plain(SddKd), WRN_TENSORS),
    "attention_unequal": ("attention", REP_DISTILLER, "wrn_16_1", "vgg8", 1, 1000, plain(Attention), VGG_TENSORS),
    "nst_unequal": ("nst", REP_DISTILLER, "wrn_16_1", "vgg8", 1, 50, plain(Nst), VGG_TENSORS),
    "vid_unequal": ("vid", REP_DISTILLER, "wrn_16_1", "vgg8", 1, 1, Vid, VGG_TENSORS),
    "factor_vgg": ("factor", REP_DISTILLER, "wrn_16_1", "vgg8", 1, 200, Factor, VGG_TENSORS),
}


def own_rows(term):
    """[name, shape, role, key] of what a method adds."""
    if not list(term.state_dict()):
        return []
    modules = dict(term.named_modules())
    rows = []
    for position, (name, tensor) in enumerate(term.state_dict().items()):
        module, _, last = name.rpartition(".")
        kinds = {nn.ConvTranspose2d: "convT", nn.Conv2d: "conv", nn.BatchNorm2d: "bn"}
        kind = kinds.get(type(modules[module]))
        rows.append([name, list(tensor.shape), last if kind is None else f"{kind}.{last}", 6000 + position])
    return rows


def own_value(role, shape, key):
    if role == "log_scale":
        return signed(key, shape) * 0.1 + torch.log(torch.exp(torch.tensor(5 - 1e-5, dtype=torch.float64)) - 1)
    return filled(role.replace("convT", "conv"), shape, key)


def fill(module, rows, dtype, rerun):
    state = {n: off(own_value(role, shape, key).to(torch.float32), rerun, key) for n, shape, role, key in rows}
    module.load_state_dict(state)
    return module.to(dtype)


def snapshot(*modules):
    return {name: tensor.detach().clone() for module in modules for name, tensor in module.state_dict().items()}


def computed(case, dtype=torch.float32, rerun=0):
    method, _, teacher_name, student_name, gamma, beta, kind, _ = case
    images = off((signed(9001, (BATCH, 3, 32, 32)) * 2).to(torch.float32), rerun, 9001).to(dtype)
    labels = torch.tensor(LABELS)
    student, teacher = MODELS[student_name](), MODELS[teacher_name]()
    with torch.no_grad():
        term = kind(Seen(student.eval(), images.float()), Seen(teacher.eval(), images.float()))
    for network in (student, teacher):
        fill(network, [[*row, key] for key, row in enumerate(roles(network))], dtype, rerun)
    rows = own_rows(term)
    if rows:
        fill(term, rows, dtype, rerun)
    frozen = []
    if method == "cat_kd":
        student.fc.bias.data.zero_()
        frozen = [student.fc.bias]
    start = snapshot(student, term)
    with torch.no_grad():
        seen = Seen(teacher.eval(), images)
    first_phase = []
    if method == "factor":
        learning = term.paraphraser.parameters()
        sgd = torch.optim.SGD(learning, lr=rate_of(student_name), momentum=0.9, weight_decay=5e-4)
        for _ in range(INIT_STEPS):
            loss = term.init(seen)
            first_phase.append({"loss": loss})
            sgd.zero_grad()
            loss.backward()
            sgd.step()
        term.paraphraser.requires_grad_(False)
    between = snapshot(student, term)
    learning = [p for p in [*student.parameters(), *term.parameters()] if p.requires_grad and all(p is not q for q in frozen)]
    sgd = torch.optim.SGD(learning, lr=rate_of(student_name), momentum=0.9, weight_decay=5e-4)
    student.train(), term.train()
    steps = []
    for _ in range(STEPS):
        ours = Seen(student, images)
        ce, div = F.cross_entropy(ours.logits, labels), kl(ours.logits, seen.logits).mean()
        kd = term(ours, seen, labels)
        total = gamma * ce + beta * kd
        steps.append({"ce": ce, "div": div, "kd": kd, "total": total})
        sgd.zero_grad()
        total.backward()
        sgd.step()
    end = snapshot(student, term)
    with torch.no_grad():
        logits = Seen(student.eval(), images).logits
    plain_numbers = lambda terms: [{name: value.detach() for name, value in one.items()} for one in terms]
    return {
        **{"start": start, "between": between, "end": end, "logits": logits, "teacher": seen, "rows": rows},
        **{"init": plain_numbers(first_phase), "steps": plain_numbers(steps), "tensors": len(learning)},
    }


def brief(tensor):
    flat = tensor.reshape(-1)
    probes = [(2 * j + 1) * len(flat) // 16 for j in range(8)]
    return {"shape": list(tensor.shape), "l2": digits(norm(flat)), "first8": short(flat[:8]), "probe8": short(flat[probes])}


def moved(run, name, to="end"):
    return norm(run[to][name].double() - run["start"][name].double())


def spread_of(own, others, names):
    relative = lambda a, b: abs(a - b) / abs(b) if b else 0.0
    loss = lambda o, part, i: [relative(float(o[part][i][key]), float(own[part][i][key])) for key in own[part][i]]
    shown = lambda o: [(o["end"][name].reshape(-1)[:8], own["end"][name].reshape(-1)[:8]) for name in names]
    largest = lambda values: digits(max(values), 3)
    first = [value for o in others for i in range(len(own["init"])) for value in loss(o, "init", i)]
    return {
        "lossMaxRelPerStep": [largest(v for o in others for v in loss(o, "steps", i)) for i in range(STEPS)],
        **({"initLossMaxRel": largest(first)} if first else {}),
        "afterFirst8MaxAbs": furthest(pair for o in others for pair in shown(o)),
        "afterL2MaxRel": largest(relative(norm(o["end"][n]), norm(own["end"][n])) for o in others for n in names),
        "afterDeltaL2MaxRel": largest(relative(moved(o, n), moved(own, n)) for o in others for n in names),
        "afterEvalLogitsMaxAbs": furthest((o["logits"], own["logits"]) for o in others),
    }


def document(case):
    method, repository, teacher, student, gamma, beta, _, tensors = case
    own = computed(case)
    others = [computed(case, torch.float64), *(computed(case, rerun=rerun) for rerun in range(1, RERUNS + 1))]
    floats = [row[0] for row in own["rows"] if row[2].endswith(("weight", "running_var", "log_scale"))]
    paraphraser = [name for name in floats if name.startswith("paraphraser")]
    names = [*tensors, *[name for name in floats if name not in paraphraser][:3]]
    numbers = lambda terms: [{key: short(value)[0] for key, value in one.items()} for one in terms]
    with_move = lambda name, to: {**brief(own[to][name]), "deltaL2": digits(moved(own, name, to), 7)}
    trajectory = {
        **{"teacher": teacher, "student": student, "numClasses": CLASSES, "epoch": 1},
        **{"flags": ["-r", str(gamma), "-a", "0", "-b", str(beta)], "fixtureFlags": []},
        "input": {"k": 9001, "shape": [BATCH, 3, 32, 32], "scale": 2, "labels": LABELS},
        "optimizer": [
            {"lr": rate_of(student), "momentum": 0.9, "weightDecay": 5e-4, "nesterov": False, "tensors": own["tensors"]}
        ],
        "ownState": own["rows"],
        "teacherOut": {"penultimate": brief(own["teacher"].pooled), "logits": brief(own["teacher"].logits)},
        **({"initPerStep": numbers(own["init"])} if own["init"] else {}),
        **({"initAfter": {name: with_move(name, "between") for name in paraphraser[:2]}} if paraphraser else {}),
        "perStep": numbers(own["steps"]),
        "after": {name: with_move(name, "end") for name in names},
        "afterEvalLogits": [short(row) for row in own["logits"]],
        "spread": spread_of(own, others, names),
    }
    return {"method": method, "upstream": {"repo": repository}, "trajectory": trajectory}


def main(folder):
    torch.set_num_threads(1)
    for name, case in FILES.items():
        with open(f"{folder}/{name}.json", "w") as out:
            json.dump(document(case), out, separators=(",", ":"))
            out.write("\n")
        print(name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
