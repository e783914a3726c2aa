"""A step on a substrate: weights that are devices, written and read one by one, and the chains that numbers go through.

Every function here has a plain form beside it, which is all that is compiled without a substrate.
"""

from typing import Any

import numpy as np

from onlinernn.kernels.arrays import add_row, read_rows
from onlinernn.kernels.dispatch import LOOP, choose, compiled, where_implemented
from onlinernn.kernels.effects import (
    DRIVE,
    ERROR,
    I32,
    INPUT,
    LOSS,
    NODE,
    NONE,
    ONCE,
    OUTPUT,
    READ_A,
    READ_B,
    along,
    chains,
    hop,
    place,
    through_counting,
)
from onlinernn.kernels.layout import (
    BOUND_DRIVE,
    BOUND_ERROR,
    BOUND_FORWARD,
    BOUND_INPUT,
    BOUND_LOSS,
    BOUND_NODE,
    BOUND_OUTPUT,
    TICK,
)
from onlinernn.kernels.losses import output_error
from onlinernn.kernels.noise import SYNAPSE_INPUT, SYNAPSE_READOUT
from onlinernn.kernels.number import input_drive, reading, weigh
from onlinernn.kernels.readouts import present_error
from onlinernn.kernels.twins import array_of


@compiled(**LOOP)
def convert(
    chain: Any, x: Any, size: Any, seed: Any, tick: Any, stream: Any, copy: Any, array: Any, domain: Any
) -> Any:
    """Let the first `size` numbers of a vector go through a chain; return how many reached a limit."""
    zero = x.dtype.type(0)
    start = place(seed, tick, stream, copy, array, domain, 0, zero)
    bound = NONE
    for i in range(size):
        x[i], limited = through_counting(chain, (x[i], False), along(start, hop(start, i), zero, zero, x[i]))
        bound = I32(bound + choose(limited, ONCE, NONE))
    return bound // ONCE


def _plain_inputs(substrate: Any, work: Any, spec: Any, tick: Any) -> None:
    pass


@where_implemented(chains, otherwise=_plain_inputs)
def convert_inputs(substrate: Any, work: Any, spec: Any, tick: Any) -> None:
    """Let the inputs of a step through their chain."""
    for of in range(work.bound.shape[1]):
        work.bound[0, of] = 0
    for s in range(work.u.shape[0]):
        count = convert(substrate.input, work.u[s], work.u.shape[1] - 1, spec.seed, tick, s, 0, 0, INPUT)
        work.bound[0, BOUND_INPUT] += count


def _plain_input_drive(substrate: Any, params: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    if k == 0:
        input_drive(reading(spec.number, SYNAPSE_INPUT), params.A, work.u[s], work.common[s])


@where_implemented(chains, otherwise=_plain_input_drive)
def read_inputs(substrate: Any, params: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Make ``work.common`` the input drive of copy `k` of stream `s`; without a substrate that of copy 0 serves all."""
    zero = params.A.dtype.type(0)
    array = array_of(substrate, tick, k, work.a.shape[0] // work.u.shape[0])
    for i in range(work.common.shape[1]):
        work.common[s, i] = zero
    for j in range(params.A.shape[0]):
        at = place(spec.seed, tick, s, k, array, READ_A, j, zero)
        add_row(
            substrate.read,
            substrate.scale_input,
            params.A,
            j,
            params.memory_input,
            tick,
            at,
            work.u[s, j],
            work.common[s],
        )


def _plain_lane(substrate: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    pass


@where_implemented(chains, otherwise=_plain_lane)
def convert_drive(substrate: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Let the drives of copy `k` of stream `s` through their chain."""
    copies = work.a.shape[0] // work.u.shape[0]
    a, array = work.a[s * copies + k], array_of(substrate, tick, k, copies)
    work.bound[0, BOUND_DRIVE] += convert(substrate.drive, a, a.size, spec.seed, tick, s, k, array, DRIVE)


@where_implemented(chains, otherwise=_plain_lane)
def convert_node(substrate: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Let the activities of copy `k` of stream `s` through their chain."""
    copies = work.a.shape[0] // work.u.shape[0]
    a, array = work.a[s * copies + k], array_of(substrate, tick, k, copies)
    work.bound[0, BOUND_NODE] += convert(substrate.node, a, a.size, spec.seed, tick, s, k, array, NODE)


@where_implemented(chains, otherwise=_plain_lane)
def convert_output(substrate: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Let the outputs of copy `k` of stream `s` through their chain."""
    copies = work.y.shape[0] // work.u.shape[0]
    y, array = work.y[s * copies + k], array_of(substrate, tick, k, copies)
    work.bound[0, BOUND_OUTPUT] += convert(substrate.output, y, y.size, spec.seed, tick, s, k, array, OUTPUT)


def _plain_read_outputs(substrate: Any, params: Any, z: Any, y: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    for o in range(y.size):
        y[o] = weigh(reading(spec.number, SYNAPSE_READOUT), params.B[o], z)


@where_implemented(chains, otherwise=_plain_read_outputs)
def read_outputs(substrate: Any, params: Any, z: Any, y: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Write ``y = B z``, with B as copy `k` of stream `s` reads it in step `tick`."""
    array = array_of(substrate, tick, k, spec.sizes.replicas + 1)
    for o in range(y.size):
        at = place(spec.seed, tick, s, k, array, READ_B, o, params.B.dtype.type(0))
        y[o], _ = read_rows(
            substrate.read, substrate.scale_readout, params.B, o, params.memory_readout, tick, at, at, z, z
        )


def _plain_errors(substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, s: Any) -> None:
    present_error(spec.loss, params.B, tags.z[row + s], work.target[s], work.error[s])


@where_implemented(chains, otherwise=_plain_errors)
def read_error(substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, s: Any) -> None:
    """Write what the present readout gets wrong on the tagged step of `row`, as it is broadcast."""
    error, tagged = work.error[s], tally[TICK] - spec.target_delay
    array = array_of(substrate, tagged, 0, spec.sizes.replicas + 1)
    read_outputs(substrate, params, tags.z[row + s], error, spec, tagged, s, 0)
    bound = convert(substrate.output, error, error.size, spec.seed, tagged, s, 0, array, OUTPUT)
    output_error(spec.loss, error, work.target[s], error)
    bound = convert(substrate.feedback, error, error.size, spec.seed, tagged, s, 0, 0, ERROR)
    tally[BOUND_ERROR] += np.int64(bound)


def _plain_feedback(substrate: Any, work: Any, spec: Any, tally: Any) -> None:
    pass


@where_implemented(chains, otherwise=_plain_feedback)
def broadcast(substrate: Any, work: Any, spec: Any, tally: Any) -> None:
    """Let the loss differences of a step through their chain, and count what the first half of the step counted."""
    for of in range(work.bound.shape[1]):
        tally[BOUND_FORWARD + of] += np.int64(work.bound[0, of])
        work.bound[0, of] = 0
    for s in range(work.delta_loss.shape[0]):
        if work.taught[s, 0] > 0:
            delta = work.delta_loss[s]
            bound = convert(substrate.feedback, delta, delta.size, spec.seed, tally[TICK], s, 0, 0, LOSS)
            tally[BOUND_LOSS] += np.int64(bound)
