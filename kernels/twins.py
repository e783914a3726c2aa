"""The two copies as two devices: which array a copy runs on, and what a neuron can tell of their mismatch.

Mismatch between the copies adds to each difference a part that is no perturbation: a function of the clean activity. A
neuron learns to predict that part from what comes before it, by normalised least mean squares, and uses the rest.
"""

from typing import Any

from onlinernn.kernels.dispatch import LOOP, compiled, where_implemented
from onlinernn.kernels.effects import chains, like
from onlinernn.kernels.passes import dot
from onlinernn.kernels.rules import node_signal


@compiled(**LOOP)
def array_of(substrate: Any, tick: Any, copy: Any, copies: Any) -> Any:
    """Return the number of the array that a copy runs on in step `tick`: its own, or with `chop` each in turn."""
    return (copy + tick) % copies if substrate.chop else copy


@compiled(**LOOP)
def _sign(substrate: Any, tick: Any, zero: Any) -> Any:
    """Return the sign that the difference of the arrays has in step `tick`, where the copies exchange them."""
    return like(zero, -1.0) if substrate.chop and tick % 2 == 1 else like(zero, 1.0)


@compiled(**LOOP)
def take_off(M: Any, lo: Any, v: Any, u: Any, sign: Any, out: Any) -> None:
    """``out -= sign M [v, u]``, with the rows of M from `lo` on."""
    for i in range(out.size):
        total = like(sign, 0.0)
        for j in range(v.size):
            total += M[lo + i, j] * v[j]
        for j in range(u.size):
            total += M[lo + i, v.size + j] * u[j]
        out[i] -= sign * total


@compiled(**LOOP)
def take_in(M: Any, lo: Any, v: Any, u: Any, rate: Any, left: Any) -> None:
    """Correct the rows of M from `lo` on by what the predictions have `left`."""
    g = rate / (like(rate, 1.0) + dot(v, v) + dot(u, u))  # its sign is that of the difference
    for i in range(left.size):
        c = g * left[i]
        for j in range(v.size):
            M[lo + i, j] += c * v[j]
        for j in range(u.size):
            M[lo + i, v.size + j] += c * u[j]


def _unread(rule: Any, M: Any, lo: Any, v: Any, u: Any, sign: Any, tag: Any) -> None:
    pass


@where_implemented(node_signal, otherwise=_unread)
def take_off_read(rule: Any, M: Any, lo: Any, v: Any, u: Any, sign: Any, tag: Any) -> None:
    """:func:`take_off`, for rules that read the difference of the drives."""
    take_off(M, lo, v, u, sign, tag)


@where_implemented(node_signal, otherwise=_unread)
def take_in_read(rule: Any, M: Any, lo: Any, v: Any, u: Any, rate: Any, tag: Any) -> None:
    """:func:`take_in`, for rules that read the difference of the drives."""
    take_in(M, lo, v, u, rate, tag)


def _plain_lane(substrate: Any, params: Any, state: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    pass


@where_implemented(chains, otherwise=_plain_lane)
def expect_drives(substrate: Any, params: Any, state: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Take off the perturbation of noisy copy `k` what the mismatch of the arrays lets expect of it."""
    if substrate.cancel > 0.0:
        n, copies = work.a.shape[1], work.a.shape[0] // work.u.shape[0]
        sign, tag = _sign(substrate, tick, params.R.dtype.type(0)), work.hidden[s * (copies - 1) + k - 1]
        take_off_read(spec.rule, params.twin_hidden, (k - 1) * n, state.s[s * copies], work.u[s], sign, tag)


@where_implemented(chains, otherwise=_plain_lane)
def expect_outputs(substrate: Any, params: Any, state: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Take off the outputs of noisy copy `k` what the mismatch of the arrays lets expect of the difference."""
    if substrate.cancel > 0.0:
        m, copies = work.y.shape[1], work.y.shape[0] // work.u.shape[0]
        sign, clean, y = _sign(substrate, tick, params.R.dtype.type(0)), work.z[s * copies], work.y[s * copies + k]
        take_off(params.twin_outputs, (k - 1) * m, clean, work.u[s, :0], sign, y)


def _plain_learning(substrate: Any, params: Any, state: Any, work: Any, spec: Any, tick: Any) -> None:
    pass


@where_implemented(chains, otherwise=_plain_learning)
def learn_mismatch(substrate: Any, params: Any, state: Any, work: Any, spec: Any, tick: Any) -> None:
    """Learn from step `tick`, which is in `work`, what to expect of the differences."""
    if substrate.cancel > 0.0:
        streams, copies = work.u.shape[0], work.a.shape[0] // work.u.shape[0]
        n, m = work.a.shape[1], work.y.shape[1]
        rate = like(params.R.dtype.type(0), substrate.cancel) * _sign(substrate, tick, params.R.dtype.type(0))
        for s in range(streams):
            for k in range(1, copies):
                lane, row = s * copies + k, s * (copies - 1) + k - 1
                take_in_read(
                    spec.rule, params.twin_hidden, (k - 1) * n, state.s[s * copies], work.u[s], rate, work.hidden[row]
                )
                for o in range(m):
                    work.difference[0, o] = work.y[lane, o] - work.y[s * copies, o]
                clean = work.z[s * copies]
                take_in(params.twin_outputs, (k - 1) * m, clean, work.u[s, :0], rate, work.difference[0])
