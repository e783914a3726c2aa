"""Decorrelation and whitening of the hidden activity, in O(n^2).

Decorrelation is eq. 6, ``D <- D - rate (s s^T - diag(s^2)) D`` with ``s = D x``. Because ``(s s^T) D = s (D^T s)^T``,
row i of the update is ``rate (s_i q - s_i^2 D_i)`` with ``q = D^T s``. It is applied when the row is next read, one
step later: that way D crosses the memory bus once to be read and once to be written per step. Whitening adds a term
that drives the variance of each ``s_i`` to 1, and a damping that keeps D small where the activity has no variance.
"""

from typing import Any, NamedTuple

from onlinernn.kernels.contracts import (
    DECORRELATED,
    DECORRELATED_POWER,
    PRE,
    ROW_POWER,
    WEIGHT,
    LocalityContract,
    contract,
)
from onlinernn.kernels.dispatch import LOOP, compiled, open_function
from onlinernn.kernels.vectors import sweep


class Decorrelation(NamedTuple):
    """A matrix D that makes the hidden activity uncorrelated: ``s = D x`` (eq. 6).

    Parameters
    ----------
    rate
        Learning rate of D, >= 0, per unit of squared activity.
    readout
        Whether the readout reads s too (as the authors' code does) or x (as the paper's text says).

    Examples
    --------
    >>> Decorrelation(rate=1e-4)
    Decorrelation(rate=0.0001, readout=True)
    """

    rate: float = 1e-5
    readout: bool = True


class Whitening(NamedTuple):
    """A matrix D that makes the hidden activity uncorrelated and of unit variance: ``s = D x``.

    ``D <- D - eps [(1 - kappa) (s q^T - diag(s^2) D) + kappa diag(s_i^2 + damping |D_i|^2 - 1) D]`` with
    ``q = D^T s`` and ``eps = rate / (1 + 10 rate |s|^2)``: eq. 6, a unit-variance term, and damping. No row shrinks by
    more than a tenth in a step.

    Parameters
    ----------
    rate
        Learning rate of D, >= 0.
    kappa
        Weight of the unit-variance term against decorrelation, in [0, 1].
    damping
        Holds back rows of D that would grow to amplify what hardly varies, >= 0.
    recurrent
        Whether s takes the place of x inside the recurrence, as in the paper; by default only the readout, which reads
        s, and the learning of R, whose presynaptic factor is q, see it.

    Examples
    --------
    >>> Whitening().kappa
    0.5
    """

    rate: float = 1e-3
    kappa: float = 0.5
    damping: float = 1e-4
    recurrent: bool = False


class Undecorrelated(NamedTuple):
    """No decorrelation: ``s = x``."""


@open_function()
def rate(spec: Any, power: Any) -> Any:
    """Return the learning rate of D, from the `power` ``|s|^2``; only specs that have a matrix D implement it."""


@open_function(default=True)
def mixing(spec: Any) -> Any:
    """Return the weight of the decorrelating term."""
    return 1.0


@open_function(default=True)
def growth(spec: Any, s: Any, row: Any) -> Any:
    """Return by how much of itself a `row` of D, whose activity is `s`, grows per unit of the learning rate."""
    return s * s


@open_function(default=True)
def readout_reads_s(spec: Any) -> Any:
    """Return whether the readout reads s (else x)."""
    return False


@open_function(default=True)
def recurrence_reads_s(spec: Any) -> Any:
    """Return whether the recurrent weights read s (else x)."""
    return True


@open_function(default=True)
def learns_from_q(spec: Any) -> Any:
    """Return whether R learns with q as its presynaptic factor (else with what it reads)."""
    return False


@contract.register(Decorrelation)
def _contract(part: Any) -> Any:
    return LocalityContract((WEIGHT, PRE, DECORRELATED), matrices=("params.D",))


@contract.register(Whitening)
def _whitening_contract(part: Any) -> Any:
    seen = (WEIGHT, PRE, DECORRELATED, ROW_POWER, DECORRELATED_POWER)
    return LocalityContract(seen, matrices=("params.D",))


@rate.register(Decorrelation)
def _rate(spec: Any, power: Any) -> Any:
    return spec.rate


@readout_reads_s.register(Decorrelation)
def _readout_reads_s(spec: Any) -> Any:
    return spec.readout


@rate.register(Whitening)
def _whitening_rate(spec: Any, power: Any) -> Any:
    return spec.rate / (1.0 + 10.0 * spec.rate * power)


@mixing.register(Whitening)
def _whitening_mixing(spec: Any) -> Any:
    return 1.0 - spec.kappa


@growth.register(Whitening)
def _whitening_growth(spec: Any, s: Any, row: Any) -> Any:
    return (1.0 - 2.0 * spec.kappa) * s * s + spec.kappa * (1.0 - spec.damping * _power(row))


@readout_reads_s.register(Whitening)
def _whitening_readout_reads_s(spec: Any) -> Any:
    return True


@recurrence_reads_s.register(Whitening)
def _whitening_recurrence_reads_s(spec: Any) -> Any:
    return spec.recurrent


@learns_from_q.register(Whitening)
def _whitening_learns_from_q(spec: Any) -> Any:
    return not spec.recurrent


@compiled(**LOOP)
def _power(row: Any) -> Any:
    return sweep(row, (0,), (), (), (), (row,), (), (), None)[0]


#: The least share of a row of D that a step leaves: a rate that is too high shrinks a row, and never turns it round.
LEAST = 0.9


@compiled(**LOOP)
def learn_rows(spec: Any, rows: Any, lo: Any, s: Any, q: Any, rates: Any) -> None:
    """Apply the update of D to its `rows` from number `lo` on.

    `s` (S, n) holds the streams' clean activities, `q` (S, n) is ``D^T s``, `rates` (S, 1) what each stream teaches.
    """
    real = rows.dtype.type
    mix = real(mixing(spec))
    for i in range(rows.shape[0]):
        keep = real(1)
        for stream in range(q.shape[0]):
            keep += rates[stream, 0] * real(growth(spec, s[stream, lo + i], rows[i]))
        keep = max(keep, real(LEAST))
        for stream in range(q.shape[0]):
            c = mix * rates[stream, 0] * s[stream, lo + i]
            sweep(rows, (i,), (keep,), (c,), (q[stream],), (), (), (), None)
            keep = real(1)
