"""Run the kernels and the naive loops on one stream, and measure how far apart they end up.

As a script, with the JIT off, it goes through the full product of the parts.
"""

import sys
from typing import NamedTuple

import numpy as np
from engine import Engine, random_weights
from naive_credit import naive_of
from naive_noise import noise_of
from parts_matrix import Case, full_product

from naive import GOES_WITH
from onlinernn.kernels.layout import GUARD_HIDDEN, GUARD_READOUT
from onlinernn.kernels.readouts import RLS

#: Largest relative difference of the outputs and losses, and of what the weights have learnt. In float64 both are
#: rounding. In float32 the outputs are some hundred times 2^-24, growing with n. What is learnt comes from the
#: difference of two copies: errors of 2^-24 to 2^-23 in numbers of order 1, against a perturbation of
#: sigma = 0.05, are 1e-6 to 4e-6 of it, and a loss difference sums terms of both signs: where these nearly cancel, as
#: with the softmax of two outputs, its relative error is a hundred times as much. The full product, a few lessons
#: each, stays below 1.1e-3, the long runs of the covering arrays below 6e-5; the outputs below 2.5e-6.
BOUNDS = {np.float64: (1e-10, 1e-10), np.float32: (3e-5, 2e-3)}


class Apart(NamedTuple):
    """Differences of kernels and naive loops after a run, relative to what they are differences of."""

    outputs: float  # largest, over the largest output
    losses: float  # largest, over the largest loss
    changes: float  # of what a weight array has learnt, beyond the rounding of the weights, norm over norm, worst array
    moved: float  # of a weight array away from its first value, norm over norm, laziest array
    guards: int  # steps in which one of them saw the floor of ANP bite and the other did not


def some_stream(rng, case: Case, steps: int, d: int, m: int):
    """Draw inputs and targets that float32 holds exactly; a fifth of the targets is missing, but not the last."""
    streams = case.lanes[0]
    U = np.float32(rng.normal(size=(steps, streams, d))).astype(np.float64)
    Y = np.float32(0.5 * rng.normal(size=(steps, streams, m))).astype(np.float64)
    if type(case.loss).__name__ == "SoftmaxCrossEntropy":
        Y = np.float32(np.eye(m)[rng.integers(m, size=(steps, streams))] * 0.75 + 0.25 / m).astype(np.float64)
    Y[:-1][rng.random((steps - 1, streams)) < 0.2] = np.nan
    return U, Y


def start_weights(case: Case, rng, n: int, d: int, m: int):
    """Draw the weights that a case has."""
    weights = random_weights(rng, n, d, m)
    if case.direct:
        weights["E"] = np.float32(rng.normal(size=(m, d))).astype(np.float64)
    return weights if case.bias else weights | {"b": np.zeros(n), "c": np.zeros(m)}


def what_was_learnt(learner, rule, readout):
    """Return everything that a kernel or a naive network has learnt, and not only its weights."""
    arrays = getattr(learner, "params", learner)
    learnt = learner.weights()
    if hasattr(rule, "lags"):
        learnt["F"] = arrays.F.reshape(-1, learner.n)
    return learnt | ({"P": arrays.P} if isinstance(readout, RLS) else {})


def compare(case: Case, n: int, d: int, m: int, steps: int, seed: int = 5, mistake: float = 0.0) -> Apart:
    """Run both from the same weights over the same stream; a `mistake` raises one rate of the naive rule that much."""
    rng = np.random.default_rng(seed)
    first = start_weights(case, rng, n, d, m)
    U, Y = some_stream(rng, case, steps, d, m)
    parts = {"cell": case.cell, "loss": case.loss, "decorrelation": case.decorrelation}
    settings = parts | case.settings() | {"bias": case.bias}
    kernels = Engine(first, case.rule, **settings, dtype=case.dtype, seed=seed)
    rule = case.rule._replace(lr_hidden=case.rule.lr_hidden * (1 + mistake))
    settings |= {"replicas": kernels.spec.sizes.replicas}
    naive = naive_of(rule)(first, rule, noise=noise_of(case.rule.noise, seed, kernels.spec.sizes.draws), **settings)
    predictions, losses, noisy_losses = kernels.run(U, Y)
    told = [naive.step(u, y) for u, y in zip(U, Y, strict=True)]
    expected, clean, noisy = (np.array(column) for column in zip(*told, strict=True))

    def far(got, wanted):
        assert (np.isnan(got) == np.isnan(wanted)).all()
        return np.nanmax(np.abs(got - wanted)) / np.nanmax(np.abs(wanted))

    learnt = what_was_learnt(naive, rule, case.readout)
    start = {name: np.zeros(array.shape) for name, array in learnt.items()} | first | {"D": np.eye(n)}
    changes, moved = [0.0], [np.inf]
    for name, weight in what_was_learnt(kernels, rule, case.readout).items():
        if GOES_WITH.get(name, name) in case.frozen:
            assert np.array_equal(weight, start[name])
            assert np.array_equal(learnt[name], start[name])
            continue
        change = learnt[name] - start[name]
        # Every step rounds the weight that its change is added to, by half of eps at most and either way.
        rounding = np.finfo(case.dtype).eps * max(1.0, np.sqrt(steps) / 2) * np.linalg.norm(learnt[name])
        excess = np.maximum(0.0, np.linalg.norm(weight - learnt[name]) - rounding)
        changes.append(excess / np.linalg.norm(change))
        moved.append(np.linalg.norm(change) / max(np.linalg.norm(start[name]), 1e-300))
    guards = abs(kernels.tally[GUARD_HIDDEN] - naive.guarded_hidden) if hasattr(case.rule, "floor") else 0
    guards += abs(kernels.tally[GUARD_READOUT] - naive.guarded_readout) if hasattr(case.rule, "floor") else 0
    return Apart(
        far(predictions, expected),
        float(np.max([far(losses, clean), far(noisy_losses, noisy)])),
        float(np.max(changes)),  # NumPy's, which hands a NaN on
        float(np.min(moved)),
        int(guards),
    )


def problem(case: Case, apart: Apart) -> str:
    """Return what is wrong with a case, or nothing."""
    bound, bound_changes = BOUNDS[case.dtype]
    agree = max(apart.outputs, apart.losses) < bound and apart.changes < bound_changes and apart.guards == 0
    return "" if agree and apart.moved > 1e-6 else f"{case}: {apart}"


def main() -> int:
    """Go through the full product on a tiny network."""
    cases = list(full_product())
    problems = [found for case in cases if (found := problem(case, compare(case, n=3, d=1, m=2, steps=12)))]
    sys.stdout.write("\n".join([*problems[:20], f"{len(cases)} combinations, {len(problems)} disagree\n"]))
    return len(problems) > 0


if __name__ == "__main__":
    sys.exit(main())
