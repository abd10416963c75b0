"""Golden numbers of dynamic loss scaling: what torch.amp.GradScaler and torch.optim.SGD do with gradients that are given,
among them infinite ones, NaN and such as only the scale makes infinite.

    python3 scripts/golden_loss_scale.py test/golden/lossScale.json

Every number is a multiple of a power of two that float32 holds, so that no order of operations rounds.
"""

import json
import math
import sys

import torch

INF, NAN, HUGE = math.inf, math.nan, 2.0**113
RATE, MOMENTUM, DECAY = 0.5, 0.5, 0.5
START = [[1.0, -2.0], [0.5]]

# Per step the gradient of each parameter, element by element.
GOOD = [[0.5, 1.0], [2.0]]
MIXED = [
    GOOD,
    [[INF, 1.0], [1.0]],
    [[1.0, -0.5], [NAN]],
    [[0.25, 0.25], [-1.0]],
    [[1.0, 1.0], [1.0]],
    [[0.0, -1.0], [0.5]],
    [[-0.5, 0.0], [0.25]],
    [[0.5, -INF], [0.0]],
    [[0.25, 0.5], [-0.5]],
]
NOTHING = [[0.0, 0.0], [0.0]]
# The scale grows after so many steps: soon, as by default, and until float32 holds no larger one.
RUNS = [
    {"interval": 3, "scale": 65536.0, "goodSteps": 0, "gradients": MIXED},
    {"interval": 2000, "scale": 65536.0, "goodSteps": 1998, "gradients": [GOOD, GOOD, [[HUGE, 1.0], [0.0]], GOOD]},
    {"interval": 1, "scale": 2.0**126, "goodSteps": 0, "gradients": [NOTHING, NOTHING]},
]


def words(values):
    """JSON has neither infinities nor NaN."""
    return [value if math.isfinite(value) else str(value) for value in values]


def run(interval, scale, goodSteps, gradients):
    parameters = [torch.nn.Parameter(torch.tensor(values)) for values in START]
    optimizer = torch.optim.SGD(parameters, lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    for parameter in parameters:  # torch makes buffers at the first step that is taken
        optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    scaler = torch.amp.GradScaler("cpu", growth_interval=interval)
    scaler.load_state_dict({**scaler.state_dict(), "scale": scale, "_growth_tracker": goodSteps})
    steps = []
    for given in gradients:
        loss = sum((parameter * torch.tensor(values)).sum() for parameter, values in zip(parameters, given))
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        state = scaler.state_dict()
        buffers = [optimizer.state[parameter]["momentum_buffer"] for parameter in parameters]
        steps.append(
            {
                "scale": state["scale"],
                "goodSteps": state["_growth_tracker"],
                "parameters": [parameter.tolist() for parameter in parameters],
                "momentum": [buffer.tolist() for buffer in buffers],
            }
        )
    return {
        "interval": interval,
        "scale": scale,
        "goodSteps": goodSteps,
        "gradients": [[words(one) for one in step] for step in gradients],
        "steps": steps,
    }


setting = {"learningRate": RATE, "momentum": MOMENTUM, "weightDecay": DECAY, "start": START}
golden = {"torch": torch.__version__, **setting, "runs": [run(**one) for one in RUNS]}
with open(sys.argv[1], "w", encoding="utf8") as file:
    json.dump(golden, file)
    file.write("\n")
