"""Rules that turn a gradient into a change of the weights: plain gradient descent and Adam, with clipping."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from onlinernn.reference import checks
from onlinernn.reference.checks import Array
from onlinernn.reference.network import Parameters


class Optimizer(Protocol):
    """What a trainer asks of an optimizer. It belongs to one network, for it may carry averages of its gradients."""

    def step(self, gradient: Parameters) -> Array:
        """What the gradient takes from the weights: W <- W - step.

        Parameters
        ----------
        gradient : Parameters
            The gradient; it may be overwritten.
        """

    @property
    def nbytes(self) -> int:
        """The bytes it carries from one step to the next."""


class SGD:
    """Gradient descent: dW = lr g, with a learning rate for each of the two layers.

    Parameters
    ----------
    lr_hidden : float
        The rate of A, R and b, > 0.
    lr_readout : float, optional
        The rate of B and c, > 0; `lr_hidden` by default.
    max_norm : float, optional
        A gradient (all weights together) with a longer Euclidean norm is scaled to this norm first.
    decay_steps : int, optional
        As for `Adam`.

    Raises
    ------
    ValueError, TypeError
        If a number is not finite and positive.

    Examples
    --------
    >>> gradient = Parameters(1, 1, 1, float)
    >>> gradient.vector[:] = 1
    >>> SGD(0.1, 0.5).step(gradient)
    array([0.1, 0.1, 0.1, 0.5, 0.5])
    """

    nbytes = 0

    def __init__(
        self,
        lr_hidden: float,
        lr_readout: float | None = None,
        *,
        max_norm: float | None = None,
        decay_steps: int | None = None,
    ) -> None:
        self.lr_hidden, self.lr_readout, self.max_norm = _rates(lr_hidden, lr_readout, max_norm)
        self.decay_steps = None if decay_steps is None else checks.whole("decay_steps", decay_steps, 1)
        self._t = 0

    def step(self, gradient: Parameters) -> Array:
        """What the gradient takes from the weights: W <- W - step.

        Parameters
        ----------
        gradient : Parameters
            The gradient; its memory is used for the result.
        """
        clip(gradient, self.max_norm)
        share = 1.0 if self.decay_steps is None else _cosine(self._t, self.decay_steps)
        self._t += 1
        gradient.hidden *= self.lr_hidden * share
        gradient.readout *= self.lr_readout * share
        return gradient.vector

    def __repr__(self) -> str:
        return f"SGD({self.lr_hidden}, {self.lr_readout}, max_norm={self.max_norm}, decay_steps={self.decay_steps})"


class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1), with a learning rate for each of the two layers.

    With g the gradient of step t = 1, 2, ..., all operations element by element::

        m = beta1 m + (1 - beta1) g          v = beta2 v + (1 - beta2) g^2
        dW = lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)

    With `decay_steps` = T both rates are multiplied by half a cosine (Loshchilov and Hutter 2017, eq. 5, without
    restarts): the whole rate at the first step, half of it half-way, and nothing from step T + 1 on::

        0.5 (1 + cos(pi min(t - 1, T) / T))

    Parameters
    ----------
    lr_hidden, lr_readout, max_norm
        As for `SGD`.
    decay_steps : int, optional
        The steps over which the rates fall to 0, >= 1; None keeps them constant.
    beta1, beta2 : float
        The decay of the two averages, 0 <= beta < 1.
    epsilon : float
        > 0.

    Raises
    ------
    ValueError, TypeError
        If a number is out of its range, or a gradient has another size than the ones before.

    Examples
    --------
    >>> gradient = Parameters(1, 1, 1, float)
    >>> gradient.vector[:] = [3.0, -2.0, 1.0, 0.5, 0.0]
    >>> Adam(0.1, 0.2).step(gradient).round(6)
    array([ 0.1, -0.1,  0.1,  0.2,  0. ])
    """

    def __init__(
        self,
        lr_hidden: float = 1e-3,
        lr_readout: float | None = None,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        max_norm: float | None = None,
        decay_steps: int | None = None,
    ) -> None:
        self.lr_hidden, self.lr_readout, self.max_norm = _rates(lr_hidden, lr_readout, max_norm)
        self.beta1, self.beta2 = (checks.positive(n, v, zero=True) for n, v in (("beta1", beta1), ("beta2", beta2)))
        for name, beta in (("beta1", self.beta1), ("beta2", self.beta2)):
            if beta >= 1:
                raise ValueError(f"{name} must be in [0, 1), got {beta!r}")
        self.epsilon = checks.positive("epsilon", epsilon)
        self.decay_steps = None if decay_steps is None else checks.whole("decay_steps", decay_steps, 1)
        self._t = 0
        nothing: Array = np.zeros(0)
        self._m, self._v, self._scratch = nothing, nothing, nothing

    @property
    def nbytes(self) -> int:
        """The bytes of the two averages."""
        return self._m.nbytes + self._v.nbytes

    def step(self, gradient: Parameters) -> Array:
        """What the gradient takes from the weights: W <- W - step.

        Parameters
        ----------
        gradient : Parameters
            The gradient; its memory is used for the result.
        """
        if self._t == 0:
            self._m, self._v, self._scratch = (np.zeros_like(gradient.vector) for _ in range(3))
        elif len(gradient.vector) != len(self._m):
            raise ValueError(
                f"an Adam belongs to one network: it averages {len(self._m)} parameters, got {len(gradient.vector)}"
            )
        clip(gradient, self.max_norm)
        share = 1.0 if self.decay_steps is None else _cosine(self._t, self.decay_steps)
        self._t += 1
        g, m, v, scratch = gradient.vector, self._m, self._v, self._scratch
        # The averages are kept divided by 1 - beta, which saves a pass over memory each; the factors below put it back.
        m *= self.beta1
        m += g
        v *= self.beta2
        g *= g
        v += g
        correction1 = (1 - self.beta1) / (1 - self.beta1**self._t)
        correction2 = math.sqrt((1 - self.beta2) / (1 - self.beta2**self._t))
        np.sqrt(v, out=scratch)
        scratch += self.epsilon / correction2
        np.divide(m, scratch, out=g)
        gradient.hidden *= self.lr_hidden * share * correction1 / correction2
        gradient.readout *= self.lr_readout * share * correction1 / correction2
        return g

    def __repr__(self) -> str:
        return (
            f"Adam({self.lr_hidden}, {self.lr_readout}, beta1={self.beta1}, beta2={self.beta2}, "
            f"epsilon={self.epsilon}, max_norm={self.max_norm}, decay_steps={self.decay_steps})"
        )


def clip(gradient: Parameters, max_norm: float | None) -> None:
    """Shorten a gradient that is too long, in place.

    Parameters
    ----------
    gradient : Parameters
        The gradient.
    max_norm : float or None
        The longest Euclidean norm, of all weights together; None is any.
    """
    if max_norm is None:
        return
    norm = float(np.linalg.norm(gradient.vector))
    if norm > max_norm:
        gradient.vector *= max_norm / norm


def _cosine(done: int, decay_steps: int) -> float:
    return 0.5 * (1 + math.cos(math.pi * min(done, decay_steps) / decay_steps))


def _rates(lr_hidden: float, lr_readout: float | None, max_norm: float | None) -> tuple[float, float, float | None]:
    hidden = checks.positive("lr_hidden", lr_hidden)
    readout = hidden if lr_readout is None else checks.positive("lr_readout", lr_readout)
    return hidden, readout, None if max_norm is None else checks.positive("max_norm", max_norm)
