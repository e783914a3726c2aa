"""What hardware does to numbers: effects, the chains they form, and the substrate that has such chains.

An effect is a ``NamedTuple`` of numbers and one or more of four open functions: :func:`effect` changes a value,
:func:`change` changes what is to be added to a stored weight, :func:`ageing` is what one step of time does to a stored
weight, :func:`bites` tells whether a limit was reached. Chains are unrolled by type, first effect first.

Properties of a device depend on the seed and on where it is; noise on the time too. Every draw is a hash of these, as
in ``noise.py``, but of 32 bits, which a processor handles eight at a time: the multipliers and shifts are those of
Wellons' search for hashes of low bias (2018, "hash-prospector").
"""

from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels import noise
from onlinernn.kernels.choosing import any_of, fold
from onlinernn.kernels.contracts import LocalityContract, contract
from onlinernn.kernels.dispatch import EXACT, choose, compiled, multiply_add, open_function

U32, I32 = np.uint32, np.int32

#: What is counted adds so much to a number of 32 bits: LLVM makes one operation of that where things are alike, and
#: three of an addition of 1, or where they differ.
NONE, ONCE = I32(0), I32(2)


class Ideal(NamedTuple):
    """No hardware effects: floating-point arithmetic as it is."""


#: The substrate of a learner that is given none.
IDEAL = Ideal()


class Substrate(NamedTuple):
    """Hardware: a chain of effects, in the order in which they act, for each place where numbers pass.

    In a step an input goes through `input`; ``a = A u + R s + b``, with weights as `read` shows them, through `drive`;
    the activity through `node`; the output through `output`. What a rule broadcasts, the loss difference or the output
    error, goes through `feedback`. A weight w that is to change by dw becomes ``effects(w + changes(dw))``, with the
    chain `write`: first all that act on the change, then all that act on the sum.

    A weight of the network is `scale` times the state of its device: the chains `read` and `write` work on states.
    The matrix D of a decorrelation is kept by a digital circuit, in the precision of the engine; B is an array of
    devices like A and R.

    Parameters
    ----------
    read, write
        Effects on the state of the device of a weight; the input is dimensionless, as is the scale.
    input
        Effects on each input (the converter from digital to analog).
    drive
        Effects on the drive of each neuron (the converter at the end of an array's lines).
    node
        Effects on each activity.
    output
        Effects on each output.
    feedback
        Effects on the loss difference of each noisy copy, and on the output error where a rule uses that.
    scale_input, scale_recurrent, scale_readout
        Weight per unit of the state of a device, a power of two.
    chop
        Whether the copies exchange their arrays at every step, so that a mismatch between these changes its sign.
    cancel
        Rate, in [0, 2), at which each neuron and output learns to predict from what comes before it the difference
        that mismatch makes, and takes it off; 0: none does.

    Examples
    --------
    >>> from onlinernn import Quantise, Saturate
    >>> Substrate(node=(Quantise(2**-7), Saturate(-1.0, 1.0))).scale_recurrent
    1.0
    """

    read: tuple[Any, ...] = ()
    write: tuple[Any, ...] = ()
    input: tuple[Any, ...] = ()
    drive: tuple[Any, ...] = ()
    node: tuple[Any, ...] = ()
    output: tuple[Any, ...] = ()
    feedback: tuple[Any, ...] = ()
    scale_input: float = 1.0
    scale_recurrent: float = 1.0
    scale_readout: float = 1.0
    chop: bool = False
    cancel: float = 0.0


@open_function()
def chains(substrate: Any) -> Any:
    """Return the substrate with its chains; only what has effects implements it."""


@contract.register(Substrate)
def _contract(part: Any) -> Any:
    return LocalityContract((), matrices=("params.memory_recurrent", "params.twin_hidden"))


@chains.register(Substrate)
def _chains(substrate: Any) -> Any:
    return substrate


class Place(NamedTuple):
    """Where and when an effect acts: hashes of 32 bits, and what the device remembers.

    `device` tells devices apart, `twin` those of each copy too, `moment` the steps as well, by a `stride` from one
    device of a row to the next; `shared` is one number for all devices of a copy in a step, `now` the step. `age` is
    the number of steps since the last write, `written` the step of that, `stored` the state.
    """

    device: Any
    twin: Any
    moment: Any
    stride: Any
    shared: Any
    now: Any
    age: Any
    written: Any
    stored: Any


#: What a key of the hashes is for; the domains of noise.py lie below.
(READ_A, READ_R, READ_B, WRITE_A, WRITE_R, WRITE_B, INPUT, DRIVE, NODE, OUTPUT, LOSS, ERROR) = range(32, 68, 3)

_ODD, _DEEPER, _AFTER = U32(0x9E3779B9), U32(0x85EBCA6B), U32(0xADB4A92D)


class Keys(NamedTuple):
    """What the places of an array of devices in a step begin with: keys of 64 bits, as in noise.py.

    `device`, `twin` and `moment` are the keys of what a :class:`Place` calls so, `now` is the step.
    """

    device: Any
    twin: Any
    moment: Any
    now: Any


@compiled(**EXACT)
def keys(seed: Any, tick: Any, stream: Any, copy: Any, array: Any, domain: Any) -> Any:
    """Return the keys of all places in a step of a `copy` that runs on an `array`."""
    twin, moment = noise.key(seed, 0, 0, array, domain + 1), noise.key(seed, tick, stream, copy, domain + 2)
    return Keys(noise.key(seed, 0, 0, 0, domain), twin, moment, U32(tick))


@compiled(**EXACT)
def beginning(of: Any, row: Any, zero: Any) -> Any:
    """Return the place that a row of devices begins at."""
    shift = noise.U64(32)
    device, twin = U32(noise.site(of.device, row) >> shift), U32(noise.site(of.twin, row) >> shift)
    bits, shared = noise.site(of.moment, row), U32(of.moment >> shift)
    return Place(device, twin, U32(bits >> shift), U32(bits), shared, of.now, zero, zero, zero)


@compiled(**EXACT)
def place(seed: Any, tick: Any, stream: Any, copy: Any, array: Any, domain: Any, row: Any, zero: Any) -> Any:
    """Return the place that a row of devices begins at; a `copy` runs on an `array`."""
    return beginning(keys(seed, tick, stream, copy, array, domain), row, zero)


@compiled(**EXACT)
def hop(start: Any, j: Any) -> Any:
    """Return how far device `j` is from the beginning of its row, and its number of the moment."""
    return U32(U32(j) * _ODD), U32(start.moment + U32(U32(j) * start.stride))


@compiled(**EXACT)
def onward(start: Any, far: Any) -> Any:
    """Return :func:`hop` of the next device: a long loop adds, because a product takes twice as long."""
    return U32(far[0] + _ODD), U32(far[1] + start.stride)


@compiled(**EXACT)
def along(start: Any, far: Any, age: Any, written: Any, stored: Any) -> Any:
    """Return the place of the device that is so `far` (:func:`hop`) along a row.

    Numbers of a moment are ``b + a j``, with a and b random for each row, step and copy: any two are independent in
    their upper bits (Dietzfelbinger 1996), three at equal distances are not. Whoever needs more hashes them.
    """
    device, twin = U32(start.device ^ far[0]), U32(start.twin ^ far[0])
    return Place(device, twin, far[1], start.stride, start.shared, start.now, age, written, stored)


@compiled(**EXACT)
def deeper(here: Any) -> Any:
    """Return the place of the next effect of a chain.

    Hashes only have to differ. Bits that are compared as they are have to be independent of those of the effects
    before: they are multiplied, as in a congruential generator, by a number that does well in the spectral test, and
    so do its powers.
    """
    return Place(
        U32(here.device + _DEEPER),
        U32(here.twin + _DEEPER),
        U32(here.moment * _AFTER),
        U32(here.stride * _AFTER),
        U32(here.shared * _AFTER),
        here.now,
        here.age,
        here.written,
        here.stored,
    )


@compiled(**EXACT)
def as_it_is(place: Any) -> Any:
    """Return the same place, where a chain asks for none."""
    return place


@compiled(**EXACT)
def again(hashed: Any) -> Any:
    """Return another hash of the same place, for an effect that draws twice."""
    return U32(hashed ^ U32(0x5BD1E995))


@compiled(**EXACT)
def of_step(hashed: Any, step: Any) -> Any:
    """Return the hash of a place that does not know the time, in a step."""
    return U32(hashed ^ bits32(U32(step * _ODD)))


@compiled(**EXACT)
def bits32(x: Any) -> Any:
    """Hash 32 bits to 32 bits."""
    x = U32(U32(x ^ U32(x >> U32(16))) * U32(0x7FEB352D))  # Numba widens every operation on uint32 to 64 bits
    x = U32(U32(x ^ U32(x >> U32(15))) * U32(0x846CA68B))
    return U32(x ^ U32(x >> U32(16)))


@open_function()
def like(x: Any, value: Any) -> Any:
    """Return `value` in the precision of `x`."""


@like.register(np.float32)
def _like_float32(x: Any, value: Any) -> Any:
    return np.float32(value)


@like.register(np.float64)
def _like_float64(x: Any, value: Any) -> Any:
    return np.float64(value)


@compiled(**EXACT)
def uniform(x: Any, hashed: Any) -> Any:
    """Return a number from [0, 1), a multiple of 2^-24, in the precision of `x`.

    One multiplication will do for bits that are only compared with a number: places differ in all of them.
    """
    b = U32(U32(hashed ^ U32(hashed >> U32(16))) * U32(0x7FEB352D))
    return like(x, I32(b >> U32(8))) * like(x, 2.0**-24)


@open_function()
def wholes(x: Any) -> Any:
    """Return a number of the precision of `x` that makes whole numbers of small ones which are added to it."""


@wholes.register(np.float32)
def _wholes_float32(x: Any) -> Any:
    return np.float32(1.5 * 2.0**23)


@wholes.register(np.float64)
def _wholes_float64(x: Any) -> Any:
    return np.float64(1.5 * 2.0**52)


@compiled(**EXACT)
def by_chance(x: Any, step: Any, bits: Any) -> Any:
    """Return a multiple of `step` next to `x`, by 32 random `bits`, of mean x; a multiple stays what it is.

    With x = k step + d, k whole, what is returned is step times k plus the nearest whole number to d / step plus a
    random one from (-1/2, 1/2): d is exactly 0 on the grid, whatever the step is. Numbers below 2^22 become whole by
    being added to a large one, which takes half of a rounding, and all of it is 2^32 times as large as said, so that
    the bits need no scaling. The step counts with two bits less than x has, so that its product with the large number
    is exact.
    """
    shift = wholes(x) * like(x, 2.0**32)
    per, unit = like(x, 2.0**32 / step), like(x, step * 2.0**-32)
    unit = like(x, 5.0) * unit - like(x, 4.0) * unit
    origin = shift * unit
    near = multiply_add(x, per, shift)
    rest = multiply_add(multiply_add(near, unit, -origin) - x, per, like(x, I32(bits)))
    drawn = multiply_add(rest, like(x, 2.0**-22 - 1.0), near)  # never quite one half, where a tie would be broken
    return multiply_add(drawn, unit, -origin)


@compiled(**EXACT)
def gaussian(x: Any, hashed: Any) -> Any:
    """Return a Gaussian number of mean 0 and variance 1 in the precision of `x`, from the sum of four bytes.

    As in noise.py a cubic corrects variance and kurtosis; the largest value is 4.04.
    """
    b, low = bits32(hashed), U32(255)
    total = I32((b & low) + ((b >> U32(8)) & low) + ((b >> U32(16)) & low) + (b >> U32(24)))
    h = (like(x, total) - like(x, 510.0)) * like(x, (12.0 / (4.0 * (256.0**2 - 1.0))) ** 0.5)
    return h * (like(x, 0.9490355216213159) + like(x, 0.018641505989028063) * (h * h))


@open_function(default=True)
def effect(spec: Any, x: Any, here: Any) -> Any:
    """Return what becomes of the value `x` at the :class:`Place` `here`."""
    return x


@open_function(default=True)
def change(spec: Any, x: Any, here: Any) -> Any:
    """Return what becomes of `x`, not zero, that is to be added to the state ``here.stored``."""
    return x


@open_function(default=True)
def ageing(spec: Any, x: Any, here: Any) -> Any:
    """Return what one step of time makes of the state `x` at the place `here`."""
    return x


@open_function(default=True)
def bites(spec: Any, x: Any, here: Any) -> Any:
    """Return whether `x` reaches a limit at the place `here`."""
    return False


@open_function(default=True)
def ages(spec: Any) -> Any:
    """Return whether the effect changes a state that is not written."""
    return False


@open_function(default=True)
def remembers(spec: Any) -> Any:
    """Return whether the effect needs to know when a weight was last written."""
    return False


@open_function(default=True)
def counts(spec: Any) -> Any:
    """Return whether the effect needs to know how often a weight was written."""
    return False


class Draws(NamedTuple):
    """How many random numbers an effect draws: `each` for each value, or for each change of a device that is wanted.

    `shared` are one number for all values of an array, or of a vector, in a step of a copy; `kept` are drawn when a
    device is written, and stay until the next time. What a device has of its own is drawn once, when the chip is made,
    and is none of these.
    """

    each: int = 0
    shared: int = 0
    kept: int = 0


@open_function(default=True)
def draws(spec: Any) -> Any:
    """Return the :class:`Draws` of an effect, at most; for the report, no kernel asks."""
    return Draws()


class Some(NamedTuple):
    """A change of those devices of a row of which it is not 0."""


@open_function(default=True)
def way(spec: Any, usual: Any, place: Any) -> Any:
    """Return how rows are written whose chain has the effect: as `usual`, or :class:`Made`; the type alone counts.

    A `place` is not looked at.
    """
    return usual


@open_function(default=True)
def quiet(spec: Any, both: Any, here: Any) -> Any:
    """Let an effect act on the change that is the first of `both`; the second tells whether that comes to nothing.

    The device is at the place `here`. An effect whose `change` takes long tells that of most changes at once, where it
    can, and makes the first infinite, of which no effect after it tells anything: see :class:`Made`. What is not told
    is found out by `change`.
    """
    return change(spec, both[0], here), both[1]


class Made(NamedTuple):
    """A change of some devices of a row that has gone through the chain, because most of it comes to nothing.

    What is left of it is found first (:func:`quiet`), many devices at a time, and only there the chain takes its time.
    Devices of which nothing is left are not written.
    """


@compiled(**EXACT)
def _changing(spec: Any, x: Any, here: Any) -> Any:
    """Let an effect act on what is to be added; of what came to nothing before it nothing more is made."""
    return choose(x == like(x, 0.0), x, change(spec, x, here))


through = fold(effect, deeper)
changed = fold(_changing, deeper)
aged = fold(ageing, deeper)


@compiled(**EXACT)
def counting(spec: Any, both: Any, here: Any) -> Any:
    """Let an effect act on the first of a pair; the second one tells whether a limit was reached so far."""
    return effect(spec, both[0], here), both[1] | bites(spec, both[0], here)


through_counting = fold(counting, deeper)
all_quiet = fold(quiet, deeper)
needs_age = any_of(remembers)
needs_ageing = any_of(ages)
needs_count = any_of(counts)
