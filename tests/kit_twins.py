"""Parts with a fault each, and what the checks say about them: a program that test_kit.py runs in plain Python."""

import itertools
import json
import math
import random
import sys
import weakref
from dataclasses import dataclass
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from onlinernn import OnlineLearner, SquaredError, checks
from onlinernn.kernels import effects, entry
from onlinernn.kernels.cells import cell_slope, cell_step
from onlinernn.kernels.contracts import skipped
from onlinernn.kernels.decorrelation import rate
from onlinernn.kernels.losses import loss, loss_difference, output_error
from onlinernn.kernels.noise import Gaussian, draw
from onlinernn.kernels.rules import clean_noise, gain, node_noise
from onlinernn.kernels.schedules import factor
from onlinernn.kernels.updates import hidden_signal, lag, layer_signal
from onlinernn.tasks import Stream


def like_np(name: str) -> Any:
    """Return a new type of rule that learns as NP does."""

    class Rule(NamedTuple):
        lr_hidden: float
        lr_readout: float
        sigma: float

    kind: Any = Rule
    kind.__name__ = kind.__qualname__ = name
    node_noise.register(kind)(lambda rule, bits: rule.sigma * draw(Gaussian(), bits))
    gain.register(kind)(lambda rule, lr, delta_loss, power, size: lr * delta_loss / (rule.sigma * rule.sigma))
    return kind


def signal(rule: Any, tags: Any, work: Any, tagged: int, scale: float) -> Any:
    row = tagged % (tags.u.shape[0] // work.u.shape[0]) * work.u.shape[0]
    return layer_signal(
        rule, scale, work.delta_loss, work.taught, tags.hidden, row * work.gain.shape[1], work.gain, work.signal
    )


Neighbour, History, Peek, Early, Global, Mutating, Stateful, PerCall, Long, Honest = map(
    like_np, ["Neighbour", "History", "Peek", "Early", "Global", "Mutating", "Stateful", "PerCall", "Long", "Honest"]
)
RATES = (1e-3, 1e-2, 1e-1)
STORED: list[np.ndarray] = []
SEEN: list[Any] = []
RUNNING: dict[Any, Any] = {}


@hidden_signal.register(Neighbour)
def _neighbour(rule, params, tags, work, spec, tally, tagged, scale):
    told = signal(rule, tags, work, tagged, scale)
    work.signal[0, 0] += 0.01 * tags.s[tagged % len(tags.s), -1]  # the activity of the last neuron
    return told


@hidden_signal.register(History)
def _history(rule, params, tags, work, spec, tally, tagged, scale):
    STORED.append(work.a.copy())
    return signal(rule, tags, work, tagged, scale)


@hidden_signal.register(Peek)
def _peek(rule, params, tags, work, spec, tally, tagged, scale):
    SEEN[:] = [work]
    return signal(rule, tags, work, tagged, scale)


@clean_noise.register(Peek)
def _peek_noise(rule, bits):
    target = SEEN[0].target[0, 0] if SEEN else 0.0
    return 0.0 if math.isnan(target) else 0.1 * target


@lag.register(Early)
def _early_lag(rule):
    return 1


@hidden_signal.register(Early)
def _early(rule, params, tags, work, spec, tally, tagged, scale):
    params.R[0, 0] += 0.0 if math.isnan(work.target[0, 0]) else 0.01 * work.target[0, 0]
    return signal(rule, tags, work, tagged - 1, scale)


node_noise.register(Global)(lambda rule, bits: random.gauss(0.0, rule.sigma))


@hidden_signal.register(Mutating)
def _mutating(rule, params, tags, work, spec, tally, tagged, scale):
    tags.u[...] *= 0.5
    return signal(rule, tags, work, tagged, scale)


def momentum(rule, work, tags, tagged, scale, key, owner, refer=weakref.ref):
    told = signal(rule, tags, work, tagged, scale)
    known, value = RUNNING.get(key, (lambda: None, 0.0))
    value = (0.5 * value if known() is owner else 0.0) + float(work.signal[0, 0])
    RUNNING[key] = (refer(owner), value)
    work.signal[0, 0] = value
    return told


@hidden_signal.register(Stateful)
def _stateful(rule, params, tags, work, spec, tally, tagged, scale):
    arena = work.signal.base
    return momentum(rule, work, tags, tagged, scale, id(arena), arena)


@hidden_signal.register(PerCall)
def _per_call(rule, params, tags, work, spec, tally, tagged, scale):
    call = sys._getframe()
    while call.f_code.co_filename != entry.__file__:
        call = call.f_back
    return momentum(rule, work, tags, tagged, scale, "call", call, refer=lambda frame: lambda: frame)


lag.register(Long)(lambda rule: 50)


class Mixing(NamedTuple):
    speed: float = 0.01


rate.register(Mixing)(lambda spec, power: spec.speed)


class Coupled(NamedTuple):
    n_vars = 1


class Spilling(NamedTuple):
    n_vars = 1


class Steep(NamedTuple):
    n_vars = 0


@cell_step.register(Coupled)
def _coupled(cell, x, i, drive):
    x[0, i] = 0.5 * x[0, i - 1] + math.tanh(drive)
    return x[0, i]


@cell_step.register(Spilling)
def _spilling(cell, x, i, drive):
    x[0, i] = math.tanh(drive)
    x[0, i - 1] += 0.1 * x[0, i]
    return math.tanh(drive)


cell_step.register(Steep)(lambda cell, x, i, drive: math.tanh(drive))
cell_slope.register(Steep)(lambda cell, x, i, drive: 1.0)


class Spoiling(NamedTuple):
    pass


class Cancelling(NamedTuple):
    pass


@loss.register(Spoiling)
def _spoiling(spec, y, target):
    y *= 0.5
    return loss(SquaredError(), y, target)


loss.register(Cancelling)(lambda spec, y, target: loss(SquaredError(), y, target))
for bad in (Spoiling, Cancelling):
    loss_difference.register(bad)(lambda spec, y, y_noisy, target: 0.1 * float(np.sum(y_noisy - y)))
    output_error.register(bad)(lambda spec, y, target, error: output_error(SquaredError(), y, target, error))


class Shifted(NamedTuple):
    pass


draw.register(Shifted)(lambda noise, bits: draw(Gaussian(), bits) + 0.2)


class Shaking(NamedTuple):
    pass


class Wide(NamedTuple):
    pass


class Noisy(NamedTuple):
    pass


class Hiding(Noisy):
    pass


effects.effect.register(Shaking)(lambda spec, x, here: effects.like(x, x + random.random()))
effects.effect.register(Wide)(lambda spec, x, here: 0.5 * float(x))
for kind in (Noisy, Hiding):
    effects.effect.register(kind)(lambda spec, x, here: x + effects.uniform(x, here.moment))
effects.draws.register(Noisy)(lambda spec: effects.Draws(each=1))


class Counting(NamedTuple):
    pass


COUNT = itertools.count()
factor.register(Counting)(lambda schedule, tick: 1.0 + next(COUNT))


@dataclass(frozen=True)
class Sine:
    """A task without a fault, but for what is asked for."""

    seeded: bool = True
    target_delay: int = 3
    fresh: bool = True
    held_out: bool = True
    name, n_in, n_out, loss, resets, accuracy = "sine", 1, 1, "squared_error", True, None

    def train(self, seed, epoch=0):
        rng = np.random.default_rng([seed, epoch] if self.seeded else None)
        series = np.cumsum(rng.normal(size=203))
        return Stream(series[:200, None], series[3:, None], np.ones(200, bool))

    def test(self, seed):
        return self.train(seed, 10**6 if self.held_out else 0)


class Excused(NamedTuple):
    sigma: float = 1.0


draw.register(Excused)(lambda noise, bits: draw(Gaussian(), bits) + 0.2)
skipped.register(Excused)(lambda part: (("check_noise", "its mean is known to be off"),))


class Aimless(NamedTuple):
    lr_hidden: float = 0.1


node_noise.register(Aimless)(lambda rule, bits: 0.0)


class Unsized(NamedTuple):
    alpha: float = 0.5


cell_step.register(Unsized)(lambda cell, x, i, drive: drive)


class Stumbling(NamedTuple):
    pass


@factor.register(Stumbling)
def _stumble(schedule, tick):
    return schedule.share


#: By name: the check, the part, and what it says.
FAULTS = {
    "reads a neighbour": (checks.check_locality, Neighbour(*RATES), r"R\[0, \d\] of a network.*tags\.s\[\d+, \d\]"),
    "stores history": (checks.check_memory, History(*RATES), "stores history"),
    "reaches back": (checks.check_memory, Long(*RATES), "keeps the last 50 steps .* its contract declares 0"),
    "keeps a matrix": (checks.check_memory, Mixing(), r"keeps params\.D"),
    "peeks": (checks.check_causality, Peek(*RATES), "peeks at the target: the prediction of step"),
    "learns too early": (checks.check_causality, Early(*RATES), "before its delay of . steps has passed: params.R"),
    "global generator": (checks.check_determinism, Global(*RATES), "not deterministic"),
    "mutates its input": (checks.check_inputs_kept, Mutating(*RATES), "changes what it learns from: tags.u"),
    "state outside": (checks.check_resume, Stateful(*RATES), "does not resume exactly"),
    "state of a call": (checks.check_steps, PerCall(*RATES), "a run .* is (not as many steps|another run)"),
    "cell reads a neighbour": (checks.check_cell, Coupled(), "neuron . of . depends on variables of another"),
    "cell writes a neighbour": (checks.check_cell, Spilling(), "the step of neuron . of . changes another"),
    "wrong slope": (checks.check_cell, Steep(), "cell_slope is 1 at a drive"),
    "loss changes outputs": (checks.check_loss, Spoiling(), "changes the outputs"),
    "wrong difference": (checks.check_loss, Cancelling(), "loss_difference is .* and the losses differ by"),
    "shifted noise": (checks.check_noise, Shifted(), r"the mean of \d+ draws is 0.1"),
    "effect at random": (checks.check_effect, Shaking(), "at the same places and times"),
    "effect in double": (checks.check_effect, Wide(), "answers in double precision"),
    "effect that hides its draws": (checks.check_effect, Hiding(), r"is another number .* @draws.register\(Hiding\)"),
    "schedule that counts": (checks.check_schedule, Counting(), "the factor of step 0 is .*, and then"),
    "task without seed": (checks.check_task, Sine(seeded=False), "another stream the second time"),
    "task that leaks": (checks.check_task, Sine(target_delay=2), "say target_delay=3"),
    "task not fresh": (checks.check_task, Sine(fresh=False), "epoch 1 is another one"),
    "task not held out": (checks.check_task, Sine(held_out=False), "test is the training stream"),
}
#: The same, without the fault.
SOUND = {
    "rule": (checks.check_locality, Honest(*RATES)),
    "memory": (checks.check_memory, Honest(*RATES)),
    "causality": (checks.check_causality, Honest(*RATES)),
    "determinism": (checks.check_determinism, Honest(*RATES)),
    "inputs": (checks.check_inputs_kept, Honest(*RATES)),
    "resume": (checks.check_resume, Honest(*RATES)),
    "steps": (checks.check_steps, Honest(*RATES)),
    "bad input": (checks.check_bad_input, Honest(*RATES)),
    "effect": (checks.check_effect, Noisy()),
    "task": (checks.check_task, Sine()),
}


def outcome(check: Any, part: Any) -> str:
    try:
        check(part)
    except AssertionError as error:
        return str(error)
    return ""


def careless(learner: Any, u: Any, y: Any = None, step: Any = OnlineLearner.step) -> Any:
    learner._params.R[0, 0] += 1.0
    return step(learner, u, y)


if __name__ == "__main__":
    told = {name: outcome(check, part) for name, (check, part, _) in FAULTS.items()}
    told |= {f"sound: {name}": outcome(check, part) for name, (check, part) in SOUND.items()}
    with mock.patch.object(OnlineLearner, "step", careless):
        told["harm"] = outcome(checks.check_bad_input, Honest(*RATES))
    json.dump(told, sys.stdout)
