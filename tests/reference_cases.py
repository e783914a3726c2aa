"""Random networks and streams for the tests of the reference algorithms, and their equations a step at a time."""

import itertools

import numpy as np

from onlinernn.reference import Network, State

N_IN, N_HIDDEN, N_OUT = 2, 5, 3
NAMES = ["A", "R", "b", "B", "c"]
STEPS = 11
MISSING = [2, 3, 9]
SPECTRUM = (1.0, 0.6, 0.3, 0.1, 0.05)  # a leak of its own for each neuron
FORMS = ["plain", "decorrelated", "direct"]
VARIANTS = list(itertools.product(["squared_error", "softmax_cross_entropy"], [1.0, 0.3, SPECTRUM], FORMS, ["s", "x"]))


def some_weights(rng, n=N_HIDDEN, d=N_IN, m=N_OUT, D=False, E=False):
    weights = {
        "A": rng.normal(size=(n, d)),
        "R": rng.normal(size=(n, n)) / np.sqrt(n),
        "b": 0.3 * rng.normal(size=n),
        "B": rng.normal(size=(m, n)),
        "c": rng.normal(size=m),
    }
    if D:
        weights["D"] = np.eye(n) + 0.3 * rng.normal(size=(n, n))
    if E:
        weights["E"] = rng.normal(size=(m, d))
    return weights


def plain_stream(steps, seed=6):
    """Inputs and targets, none of them missing."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(steps, N_IN)), rng.normal(size=(steps, N_OUT))


def relative_error(got, expected):
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


def some_stream(rng, steps=STEPS, loss="squared_error"):
    """Inputs, and targets of which some are missing (one of them in a single output only)."""
    U, Y = rng.normal(size=(steps, N_IN)), rng.normal(size=(steps, N_OUT))
    if loss == "softmax_cross_entropy":
        Y = rng.dirichlet(np.ones(N_OUT), size=steps)
    missing = [t for t in MISSING if t < steps]
    Y[missing] = np.nan
    if missing:
        Y[missing[0], 1:] = 0.5
    return U, Y


def naive_run(weights, U, Y, state, loss, leak, reads):
    """The equations, a step at a time: the summed loss, the outputs, and every state."""
    (x, s), leak = state, np.array(leak)
    total, outputs, states = 0.0, [], []
    for u, y_target in zip(U, Y, strict=True):
        x = (1 - leak) * x + leak * np.tanh(weights["A"] @ u + weights["R"] @ s + weights["b"])
        s = weights["D"] @ x if "D" in weights else x
        y = weights["B"] @ (s if reads == "s" else x) + weights["c"]
        y = y + weights["E"] @ u if "E" in weights else y
        outputs.append(y)
        states.append(State(x, s))
        if not np.isnan(y_target).any():
            if loss == "squared_error":
                total += np.sum((y - y_target) ** 2)
            else:
                total -= np.sum(y_target * np.log(np.exp(y) / np.exp(y).sum()))
    return total, np.array(outputs), states


def central_difference(weights, name, summed_loss, step=1e-5):
    """The derivative of summed_loss(weights) with respect to every entry of weights[name]."""
    gradient = np.empty_like(weights[name])
    for place in np.ndindex(gradient.shape):
        losses = []
        for sign in (1, -1):
            moved = weights[name].copy()
            moved[place] += sign * step
            losses.append(summed_loss(weights | {name: moved}))
        gradient[place] = (losses[0] - losses[1]) / (2 * step)
    return gradient


def case(loss, leak, form, reads, seed=0):
    rng = np.random.default_rng(seed)
    weights = some_weights(rng, D=form == "decorrelated", E=form == "direct")
    U, Y = some_stream(rng, loss=loss)
    state = State(0.5 * rng.normal(size=N_HIDDEN), 0.5 * rng.normal(size=N_HIDDEN))
    if form != "decorrelated":
        state = State(state.x, state.x)
    return weights, Network(weights, leak=leak, loss=loss, readout_reads=reads), U, Y, state
