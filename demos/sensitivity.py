"""How much LearnedFeedback depends on its defaults: each one times and divided by 3, on three probes; about a minute.

Run it as ``python demos/sensitivity.py [SEEDS]``; it prints the worst of the seeds (3 by default).
"""

import sys

import numpy as np

from onlinernn import NLMS, Cosine, LearnedFeedback, OnlineLearner, Whitening
from onlinernn.tasks import MackeyGlass, Recall, xor

STREAMS = {"forecast": (MackeyGlass(), 20, 6.0), "recall 10": (Recall(10), 30, 1.0), "XOR 5": (xor(5), 30, 1.0)}


def score(probe: str, rule: LearnedFeedback, readout: NLMS, whitening: Whitening, seed: int) -> float:
    """Return the frozen-test NMSE on the forecast, the share of wrong bits on the others."""
    task, epochs, scale = STREAMS[probe]
    learner = OnlineLearner(
        1,
        30,
        1,
        rule=rule,
        readout=readout,
        decorrelation=whitening,
        schedule=Cosine(5000 * epochs),
        bias=0.3,
        input_scale=scale,
        bias_scale=scale,
        seed=seed,
    )
    for epoch in range(epochs):
        stream = task.train(seed, epoch)
        learner.reset()
        learner.run(stream.inputs, stream.targets)
    test = task.test(seed)
    learner.reset()
    predictions = learner.run(test.inputs).predictions
    rows = np.flatnonzero(test.scored)[200:]
    wrong, targets = predictions[rows] - test.targets[rows], test.targets[rows]
    if probe == "forecast":
        return float(np.mean(wrong**2) / stream.targets.var())
    return float(np.mean(np.sign(predictions[rows]) != targets))


def main() -> None:
    """Print the table."""
    seeds = range(921, 921 + int(sys.argv[1] if len(sys.argv) > 1 else 3))
    parts = {"rule": LearnedFeedback(), "readout": NLMS(), "whitening": Whitening()}
    changes = [("as shipped", "rule", {})]
    for part, field in (
        ("rule", "lr_hidden"),
        ("rule", "lr_response"),
        ("rule", "sigma"),
        ("rule", "lags"),
        ("readout", "rate"),
        ("whitening", "rate"),
        ("whitening", "damping"),
    ):
        value = getattr(parts[part], field)
        for sign, scaled in ((" / 3", value / 3), (" x 3", value * 3)):
            other = round(scaled) if isinstance(value, int) else scaled
            changes.append((f"{part} {field}{sign}", part, {field: other}))
    print(
        f"{'worst of ' + str(len(seeds)) + ' seeds':24s}{'forecast NMSE':>16s}{'recall wrong':>16s}{'XOR wrong':>16s}"
    )
    for name, part, fields in changes:
        changed = {**parts, part: parts[part]._replace(**fields)}
        worst = [max(score(probe, *changed.values(), seed) for seed in seeds) for probe in STREAMS]
        print(f"{name:24s}{worst[0]:16.2g}{worst[1]:16.2%}{worst[2]:16.2%}", flush=True)


if __name__ == "__main__":
    main()
