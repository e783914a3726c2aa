"""The files that ``onlinernn new`` writes: a part of one's own that works as it is, and its test."""

import keyword
import re
import sys

#: Packages that a part or its test imports, and that a file of the same name would hide.
_TAKEN = ("hypothesis", "numba", "numpy", "onlinernn", "pytest", "scipy")

RULE = '''\
"""A learning rule of one's own: {name}."""

import math
from typing import Any, NamedTuple

from onlinernn.kernels.contracts import DELTA_LOSS, NOISE, PRE, WEIGHT, LocalityContract, contract
from onlinernn.kernels.noise import Gaussian, draw
from onlinernn.kernels.rules import gain, node_noise


class {name}(NamedTuple):
    """Node perturbation by the sign of the loss difference: ``dR = lr sign(dl) xi s_{{t-1}}^T / sigma``.

    Parameters
    ----------
    lr_hidden, lr_readout
        Learning rates of the hidden layer and of the readout, >= 0.
    sigma
        Standard deviation of the perturbation, in units of the drive, > 0.
    noise
        The noise source.
    """

    lr_hidden: float = 1e-4
    lr_readout: float = 1e-3
    sigma: float = 1e-2
    noise: Any = Gaussian()


@node_noise.register({name})
def _noise(rule: Any, bits: Any) -> Any:
    """What is added to the drive of a neuron in the noisy copy."""
    return rule.sigma * draw(rule.noise, bits)


@gain.register({name})
def _gain(rule: Any, lr: Any, delta_loss: Any, power: Any, size: Any) -> Any:
    """The third factor: what a layer learns is this, times its neurons' noise, times the activity before them."""
    return lr * math.copysign(1.0, delta_loss) / rule.sigma if delta_loss != 0.0 else 0.0


@contract.register({name})
def _contract(part: Any) -> Any:
    """What a synapse may see; `onlinernn.checks` shows that nothing else reaches it."""
    return LocalityContract((WEIGHT, PRE, NOISE, DELTA_LOSS))
'''

CELL = '''\
"""A cell of one's own: {name}."""

from typing import Any, NamedTuple

from onlinernn.kernels.cells import cell_slope, cell_step


class {name}(NamedTuple):
    """A leaky integrator with a soft sign, ``x_t = (1 - alpha) x_{{t-1}} + alpha a / (1 + |a|)``.

    Parameters
    ----------
    alpha
        Leak rate: share of the new value, in (0, 1].
    """

    alpha: float = 0.5

    @property
    def n_vars(self) -> int:
        """Number of state variables per neuron and copy: the activity."""
        return 1


@cell_step.register({name})
def _step(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    """Advance neuron `i`, whose variables are ``x[:, i]``, and return its activity."""
    one, alpha = x.dtype.type(1), x.dtype.type(cell.alpha)  # in the precision of the network
    x[0, i] += alpha * (drive / (one + abs(drive)) - x[0, i])
    return x[0, i]


@cell_slope.register({name})
def _slope(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    """By how much the activity grows per unit of the drive; only rules that need the slope ask for it."""
    one, alpha = x.dtype.type(1), x.dtype.type(cell.alpha)
    return alpha / ((one + abs(drive)) * (one + abs(drive)))
'''

EFFECT = '''\
"""A hardware effect of one's own: {name}."""

from typing import Any, NamedTuple

from onlinernn.kernels.effects import effect, like


class {name}(NamedTuple):
    """A dead zone: what is not larger than `width` becomes 0.

    Parameters
    ----------
    width
        Half of the zone, in units of what passes through, >= 0.
    """

    width: float = 0.01


@effect.register({name})
def _effect(spec: Any, x: Any, here: Any) -> Any:
    """What becomes of the value `x` of the device `here`; `like` gives a constant in the precision of `x`."""
    return x if abs(x) > like(x, spec.width) else like(x, 0.0)
'''

TASK = '''\
"""A task of one's own: {name}."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onlinernn.tasks import Stream


@dataclass(frozen=True)
class {name}:
    """The mean of the last inputs, which are white noise: a task of short memory.

    Parameters
    ----------
    back
        Number of inputs that count, at least 1.
    length
        Steps of a stream, more than `back`.
    """

    back: int = 5
    length: int = 2000

    name: ClassVar[str] = "{slug}"
    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1
    loss: ClassVar[str] = "squared_error"
    target_delay: ClassVar[int] = 0  # the target is known with its input
    resets: ClassVar[bool] = True
    fresh: ClassVar[bool] = True
    accuracy: ClassVar[None] = None

    def train(self, seed: int, epoch: int = 0) -> Stream:
        """Return the training stream of one epoch."""
        return self._stream([seed, epoch, 0])

    def test(self, seed: int) -> Stream:
        """Return the held-out stream."""
        return self._stream([seed, 0, 1])

    def _stream(self, seeds: list[int]) -> Stream:
        u = np.random.default_rng(seeds).normal(size=self.length)
        targets = np.full(self.length, np.nan)  # the first inputs have no target
        targets[self.back - 1 :] = np.convolve(u, np.full(self.back, 1 / self.back), mode="valid")
        return Stream(u[:, None], targets[:, None], np.isfinite(targets))
'''

TEST = '''\
"""The checks of onlinernn on {name}."""

import pytest
from {module} import {name}

from onlinernn.checks import yield_checks


@pytest.mark.parametrize("check", yield_checks({name}()))
def test_{module}(check):
    check()
'''

KINDS = {"rule": RULE, "cell": CELL, "effect": EFFECT, "task": TASK}


def module_name(name: str) -> str:
    """Return the name of the file of a class, without its ending.

    Parameters
    ----------
    name
        Of the class.

    Examples
    --------
    >>> module_name("SignNP"), module_name("DeadZone")
    ('sign_np', 'dead_zone')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def written(kind: str, name: str) -> dict[str, str]:
    """Return the starting file of a part and its test, by file name.

    Parameters
    ----------
    kind
        ``"rule"``, ``"cell"``, ``"effect"`` or ``"task"``.
    name
        Of its class, as ``"SignNP"``.

    Raises
    ------
    ValueError
        If the name is no name of a class, or its file would hide a module of Python's.

    Examples
    --------
    >>> sorted(written("cell", "SoftSign"))
    ['soft_sign.py', 'test_soft_sign.py']
    """
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
        raise ValueError(f"{name!r} is no name of a class; use letters and digits, a capital first, as SignNP")
    module = module_name(name)
    if keyword.iskeyword(module) or module in sys.stdlib_module_names | set(_TAKEN):
        raise ValueError(f"the file of {name} would be {module}.py, which Python or a package has; use My{name}")
    words = {"name": name, "module": module, "slug": module.replace("_", "-")}
    return {f"{module}.py": KINDS[kind].format(**words), f"test_{module}.py": TEST.format(**words)}
