"""The perturbation rules: what is perturbed, what counts as the perturbation, and the third factor.

A rule perturbs the noisy copy and turns the difference of two losses into one learning signal per neuron. The update
itself is the same for all of them: signal times presynaptic activity, or for weight perturbation the weight's own
noise times the gain. Equation numbers are those of Fernandez, Keemink and van Gerven 2024
(doi:10.3389/fnins.2024.1439155), as corrected in ``docs/rules.md``.
"""

from typing import Any, NamedTuple

from onlinernn.kernels.contracts import (
    DELTA_LOSS,
    DIFFERENCE,
    POWER,
    PRE,
    SYNAPSE_NOISE,
    WEIGHT,
    LocalityContract,
    contract,
)
from onlinernn.kernels.dispatch import open_function
from onlinernn.kernels.noise import Gaussian, draw


class NP(NamedTuple):
    """Node perturbation (eq. 2): ``dR = lr sigma^-2 dl xi s_{t-1}^T``, likewise for A, b (xi) and B, c (nu).

    Parameters
    ----------
    lr_hidden
        Learning rate of A, R and b, >= 0; 0 freezes the hidden layer.
    lr_readout
        Learning rate of B and c, >= 0; 0 freezes the readout.
    sigma
        Standard deviation of the perturbation, in units of the drive, > 0.
    noise
        The noise source: :class:`Gaussian`, :class:`Rademacher`, :class:`Uniform`, or what ``docs/noise.md`` has more.

    Examples
    --------
    >>> NP(lr_hidden=1e-5).sigma
    0.01
    """

    lr_hidden: float = 1e-5
    lr_readout: float = 1e-3
    sigma: float = 1e-2
    noise: Any = Gaussian()


class ANP(NamedTuple):
    """Activity-based node perturbation (eq. 3): ``dR = lr N_h dl da/|da|^2 s_{t-1}^T``, likewise for A and b.

    The readout learns with ``dB = lr N_o dl dy/|dy|^2 s_t^T``. ``da`` and ``dy`` are the differences (noisy minus
    clean) of the drives and of the outputs; the noise is never read. ``N_h`` and ``N_o`` count the layer's own units.
    ``|.|^2`` is kept above ``floor N sigma^2``; the steps in which this guard bites are counted in
    :meth:`OnlineLearner.report`.

    Parameters
    ----------
    lr_hidden
        Learning rate of A, R and b, >= 0; 0 freezes the hidden layer.
    lr_readout
        Learning rate of B and c, >= 0; 0 freezes the readout.
    sigma
        Standard deviation of the perturbation, in units of the drive, > 0.
    both_noisy
        Perturb the clean copy too, with noise of its own, as where the noise is the device's.
    floor
        Guard against a vanishing difference, relative to its expected power ``N sigma^2``, in [0, 1].
    noise
        The noise source: :class:`Gaussian`, :class:`Rademacher`, :class:`Uniform`, or what ``docs/noise.md`` has more.

    Examples
    --------
    >>> ANP(lr_readout=0.02)._replace(sigma=1e-3).sigma
    0.001
    """

    lr_hidden: float = 1e-5
    lr_readout: float = 1e-2
    sigma: float = 1e-2
    both_noisy: bool = False
    floor: float = 1e-6
    noise: Any = Gaussian()


class WP(NamedTuple):
    """Weight perturbation (eq. 5): ``dW = lr sigma^-2 dl xi_W`` for W in A, R, b, B, c, fresh noise for every weight.

    Parameters
    ----------
    lr_hidden
        Learning rate of A, R and b, >= 0; 0 freezes the hidden layer.
    lr_readout
        Learning rate of B and c, >= 0; 0 freezes the readout.
    sigma
        Standard deviation of the perturbation, in units of the weight, > 0.
    noise
        The noise source: :class:`Gaussian`, :class:`Rademacher`, :class:`Uniform`, or what ``docs/noise.md`` has more.

    Examples
    --------
    >>> WP().noise
    Gaussian()
    """

    lr_hidden: float = 1e-6
    lr_readout: float = 1e-5
    sigma: float = 1e-3
    noise: Any = Gaussian()


@open_function(default=True)
def source(rule: Any) -> Any:
    """Return the noise source of a rule; one that hashes, for a rule of one's own that does not tell."""
    return Gaussian()


@open_function(default=True)
def node_noise(rule: Any, bits: Any) -> Any:
    """Return what is added to a neuron's drive in a noisy copy, from 64 random `bits`."""
    return 0.0


@open_function(default=True)
def clean_noise(rule: Any, bits: Any) -> Any:
    """Return what is added to a drive in the clean copy, where that is noisy too, from 64 random `bits`."""
    return 0.0


@open_function()
def synapse_sigma(rule: Any) -> Any:
    """Return the standard deviation of what is added to each weight as a noisy copy sees it.

    Only rules that perturb weights implement it; their source of noise is the field ``noise``.
    """


@open_function(default=True)
def noise_copy(rule: Any, copy: Any) -> Any:
    """Return whose noise noisy copy number `copy` (from 1) gets: its own, or that of another one."""
    return copy


@open_function(default=True)
def noise_sign(rule: Any, copy: Any) -> Any:
    """Return the sign with which noisy copy number `copy` (from 1) gets that noise."""
    return 1.0


@open_function(default=True)
def node_signal(rule: Any, xi: Any, a: Any, a_noisy: Any) -> Any:
    """Return what counts as a neuron's perturbation, from its noise `xi` and its drives `a` and `a_noisy`."""
    return xi


@open_function(default=True)
def power_floor(rule: Any, size: Any) -> Any:
    """Return the least power that :func:`gain` is given for a layer of `size` units."""
    return 0.0


@open_function()
def contraction(rule: Any, params: Any) -> Any:
    """Return the share of itself that each recurrent weight keeps in a step that teaches.

    `params` are the learner's. Only rules that shrink the recurrent weights implement it.
    """


@open_function()
def gain(rule: Any, lr: Any, delta_loss: Any, power: Any, size: Any) -> Any:
    """Return the third factor of a layer from its learning rate `lr` and the `delta_loss`, noisy minus clean.

    `power` is the sum of the squared perturbations of its units, `size` their number.
    """


def _source(rule: Any) -> Any:
    return rule.noise


source.register(NP)(_source)
source.register(ANP)(_source)


@node_noise.register(NP)
def _np_node_noise(rule: Any, bits: Any) -> Any:
    return rule.sigma * draw(rule.noise, bits)


@gain.register(NP)
def _np_gain(rule: Any, lr: Any, delta_loss: Any, power: Any, size: Any) -> Any:
    return lr * delta_loss / (rule.sigma * rule.sigma)


@node_noise.register(ANP)
def _anp_node_noise(rule: Any, bits: Any) -> Any:
    return rule.sigma * draw(rule.noise, bits)


@clean_noise.register(ANP)
def _anp_clean_noise(rule: Any, bits: Any) -> Any:
    return rule.sigma * draw(rule.noise, bits) if rule.both_noisy else 0.0


@node_signal.register(ANP)
def _anp_node_signal(rule: Any, xi: Any, a: Any, a_noisy: Any) -> Any:
    return a_noisy - a


@power_floor.register(ANP)
def _anp_power_floor(rule: Any, size: Any) -> Any:
    return rule.floor * size * rule.sigma * rule.sigma


@contract.register(ANP)
def _anp_contract(part: Any) -> Any:
    return LocalityContract((WEIGHT, PRE, DIFFERENCE, POWER, DELTA_LOSS))


@gain.register(ANP)
def _anp_gain(rule: Any, lr: Any, delta_loss: Any, power: Any, size: Any) -> Any:
    return lr * size * delta_loss / power if power > 0.0 else 0.0


@synapse_sigma.register(WP)
def _wp_synapse_sigma(rule: Any) -> Any:
    return rule.sigma


@contract.register(WP)
def _wp_contract(part: Any) -> Any:
    return LocalityContract((WEIGHT, SYNAPSE_NOISE, DELTA_LOSS))


@gain.register(WP)
def _wp_gain(rule: Any, lr: Any, delta_loss: Any, power: Any, size: Any) -> Any:
    return lr * delta_loss / (rule.sigma * rule.sigma)
