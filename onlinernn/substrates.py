"""Hardware by name: substrates whose every number cites its source, with the rule and the rates that suit each.

``OnlineLearner(..., substrate=substrates.reram_sb)`` takes the substrate, and where none are given the preset's rule,
decorrelation and readout. A name ends in ``_like`` where the maker's own model was not reproduced bit by bit. Analog
presets are devices alone, with ideal converters; ``analog_io`` is the converters alone: compose with ``_replace``.
"""

import difflib
from collections.abc import Iterable
from typing import Any, NamedTuple

from onlinernn.kernels.converters import Mismatch, Noise, Quantise, Saturate, Stochastic, TelegraphNoise, Truncate
from onlinernn.kernels.decorrelation import Whitening
from onlinernn.kernels.devices import (
    Asymmetry,
    CountWrites,
    DeviceBounds,
    Leak,
    PhaseChange,
    SoftBounds,
    Stuck,
    WriteError,
)
from onlinernn.kernels.effects import Substrate
from onlinernn.kernels.feedback import LearnedFeedback
from onlinernn.kernels.pulses import PulsedUpdate
from onlinernn.kernels.readouts import NLMS
from onlinernn.kernels.rules import ANP
from onlinernn.kernels.schedules import Cosine


class Preset(NamedTuple):
    """A substrate with its name, what it stands for, where its numbers are from, and what learns on it.

    Parameters
    ----------
    name
        As the command line takes it.
    what
        What it is, in a line.
    substrate
        The chains.
    sources
        Pairs of a number and where it is from.
    rule, decorrelation, readout
        What a learner gets that is given none.
    note
        What is not emulated, or what to expect.

    Examples
    --------
    >>> loihi_like.substrate.write[0]
    Quantise(step=0.001953125, rounding=Stochastic())
    """

    name: str
    what: str
    substrate: Substrate
    sources: tuple[tuple[str, str], ...]
    rule: Any = LearnedFeedback()
    decorrelation: Any = Whitening(damping=1e-2)
    readout: Any = NLMS()
    note: str = ""


def tuned_with(steps: int, input_scale: float) -> dict[str, Any]:
    """Return the settings of a learner that the presets were tuned with, beside what a preset brings.

    A link from input to output, biases, and rates that fall to 0 over the run as half a cosine.

    Parameters
    ----------
    steps
        Of the run, at least 1.
    input_scale
        Of the initial A and b: 6 for the forecast of Mackey-Glass, 1 for others.

    Examples
    --------
    >>> from onlinernn import OnlineLearner
    >>> OnlineLearner(1, 30, 1, substrate=int8_wide, **tuned_with(100_000, 6.0)).weights["E"].shape
    (1, 1)
    """
    return {
        "direct": True,
        "schedule": Cosine(steps),
        "bias": 0.3,
        "input_scale": input_scale,
        "bias_scale": input_scale,
    }


def grid(bits: int, bound: float = 1.0, rounding: Any = None) -> tuple[Any, ...]:
    """Return a signed fixed-point grid of so many bits on [-bound, bound): rounding, then saturation.

    Parameters
    ----------
    bits
        Bits, the sign included.
    bound
        Largest magnitude.
    rounding
        Of :class:`Quantise`; None: to the nearest.

    Examples
    --------
    >>> grid(8)[0].step
    0.0078125
    """
    step = bound / 2.0 ** (bits - 1)
    rounded = Quantise(step) if rounding is None else Quantise(step, rounding)
    return (rounded, Saturate(-bound, bound - step))


# Scales: |A| of the tasks here stays below 5, |R| below 1, and |B|, on whitened activity, below 3 (docs/substrates.md).
# Analog devices, whose bounds differ, are given room. 16 bits hold all on [-1, 1] with the digital scales; with fewer
# bits a fine step is worth more than room for what is rare. R, the largest array, has the scale 1, which takes no time.
_SCALES: dict[str, Any] = {"scale_input": 4.0, "scale_recurrent": 1.0, "scale_readout": 2.0}
_DIGITAL: dict[str, Any] = {"scale_input": 8.0, "scale_recurrent": 1.0, "scale_readout": 4.0}
_FEW = 0.25
_RANGE_OF = "R within 1/4, A within 2, B within 1"
_WIDE = "measured by us: docs/substrates.md"
_WORSE = "learning makes the forecast worse than the frozen network's (docs/substrates.md)."
_FAILS = "Learning fails on it, the readout's too (docs/substrates.md):"
_AIHWKIT = "IBM aihwkit, simulator/presets/devices.py"
_OURS = (("scales, rule, decorrelation, readout and their numbers", _WIDE),)
_ROOM = "ours: room for the drives and activities of the tasks here"


def wide_store(bits: int, more: int, bound: float = _FEW) -> Substrate:
    """Return weights of `bits` as the network reads them, whose store holds `more` bits below these.

    Writes are rounded by chance to the store; the network reads its top bits.

    Parameters
    ----------
    bits
        Bits that are read.
    more
        Bits that are stored beside them; 0: none.
    bound
        Largest magnitude of R, a power of two; that of A is 8 times, that of B 4 times as large.

    Examples
    --------
    >>> wide_store(8, 8).write[0].step == 0.25 * 2.0**-15
    True
    """
    read = (Quantise(bound * 2.0 ** (1 - bits)),) if more else ()
    return Substrate(read=read, write=(*grid(bits + more, bound, Stochastic()), CountWrites()), **_DIGITAL)


def _integer(name: str, bits: int, more: int, what: str, note: str = "", bound: float = _FEW) -> Preset:
    sources = (("bits, ranges, rounding by chance on write", _WIDE), *_OURS)
    return Preset(name, what, wide_store(bits, more, bound), sources, note=note)


_RANGES = "R is held within 1/4, which suits 30 units and more; wide_store takes another bound for smaller networks."
int16 = _integer("int16", 16, 0, "16-bit weights, written with stochastic rounding", bound=1.0)
int12 = _integer("int12", 12, 0, "12-bit weights, written with stochastic rounding", _RANGES)
int10_wide = _integer("int10_wide", 10, 6, "10-bit weights whose store holds 6 bits more", _RANGES)
int8_wide = _integer("int8_wide", 8, 8, "8-bit weights whose store holds 8 bits more", _RANGES)
int8 = _integer("int8", 8, 0, "8-bit weights, written with stochastic rounding", "Most updates of R are below one LSB: "
    f"rounded by chance they are noise. A wider store (int8_wide) is the remedy. {_RANGES}")  # fmt: skip

_LAVA = "Lava (lava-nc), proc/lif/models.py, utils/weightutils.py"
loihi_like = Preset(
    "loihi_like",
    "Intel Loihi 1: 8-bit weights, 24-bit state, stochastic rounding of what is learnt",
    Substrate(drive=grid(24, 32.0), write=(*grid(8, _FEW, Stochastic()), CountWrites()), **_DIGITAL),
    (("signed 8-bit weights in steps of 2 of 256", _LAVA), (_RANGE_OF, _WIDE), ("24-bit voltage, clipped", _LAVA),
     ("stochastic rounding in learning", "Lava, magma/core/learning/constants.py"),
     ("the voltage's range is a drive of +-32", _ROOM), *_OURS),
    note="The cell is tanh, not a spiking one; traces of 7 bits and the decay arithmetic are not emulated. "
    "int8_wide keeps the residue of 8 bits, and has a tenth of the error and less.",
)  # fmt: skip
spinnaker_like = Preset(
    "spinnaker_like",
    "SpiNNaker: s16.15 arithmetic that truncates, 16-bit weights",
    Substrate(
        drive=(Quantise(2.0**-15, Truncate()), Saturate(-256.0, 256.0 - 2.0**-15)),
        node=(Quantise(2.0**-15, Truncate()),),
        write=(*grid(16, rounding=Stochastic()), CountWrites()),
        **_SCALES,
    ),
    (("s16.15, LSB 2^-15", "sPyNNaker, maths-util.h"), ("16-bit weights", "sPyNNaker"),
     ("stochastic rounding of weights", "Hopkins et al. 2020, doi:10.1098/rsta.2019.0052"),
     ("the state's range is a drive of +-256", _ROOM), *_OURS),
    note="The state's range is clipped at 256, not 65536: a float32 engine carries 24 bits.",
)  # fmt: skip
_XYLO = "Rockpool, quick-xylo notebook"
xylo_like = Preset(
    "xylo_like",
    "SynSense Xylo: 8-bit weights, 16-bit saturating state; learning on it is hypothetical",
    Substrate(
        drive=grid(16, 16.0), node=grid(16), write=(*grid(8, _FEW, Stochastic()), CountWrites()), **_DIGITAL
    ),
    (("8-bit weights", _XYLO), (_RANGE_OF, _WIDE), ("16-bit saturating state", _XYLO),
     ("the state's range is a drive of +-16, that of activities +-1", _ROOM), *_OURS),
    note="The chip does not learn. Its bit-shift decay is not emulated here. int8_wide is the remedy for 8 bits.",
)  # fmt: skip
_BSS = "arXiv 2006.13177"
brainscales2_like = Preset(
    "brainscales2_like",
    "BrainScaleS-2: 6-bit weights, 5-bit inputs, 8-bit activities",
    Substrate(
        input=grid(5, 2.0), node=grid(8), write=(*grid(6, _FEW, Stochastic()), CountWrites()), **_DIGITAL
    ),
    (("6-bit weights", _BSS), (_RANGE_OF, _WIDE), ("5-bit inputs", _BSS), ("8-bit activities", _BSS),
     ("the range of inputs is +-2, that of activities +-1", _ROOM), *_OURS),
    rule=LearnedFeedback(sigma=2.0**-5),
    note=f"Analog mismatch is not in the source and not emulated. 6 bits are too few: {_WORSE}",
)  # fmt: skip
dynapse_like = Preset(
    "dynapse_like",
    "DynapSE: 4-bit weights with 10 % mismatch; learning on it is hypothetical",
    Substrate(
        read=(Mismatch(gain=0.1),), write=(*grid(4, _FEW, Stochastic()), CountWrites()), **_DIGITAL
    ),
    (("4-bit weights", "Rockpool, devices/dynapse"), (_RANGE_OF, _WIDE),
     ("mismatch sd 10 %", "Rockpool, transform/mismatch.py"), *_OURS),
    note=f"4 bits are too few: {_WORSE}",
)  # fmt: skip


def _analog(
    name: str,
    what: str,
    dw_min: float,
    *,
    dtod: float = 0.3,
    cycle: float = 0.3,
    up: tuple[float, float] = (0.0, 0.0),
    bounds: tuple[float, float] = (-1.0, 1.0),
    bounds_dtod: tuple[float, float] = (0.3, 0.3),
    write_noise: float = 0.0,
    more: tuple[Any, ...] = (),
    soft: bool = False,
    also: tuple[tuple[str, str], ...] = (),
    note: str = "",
) -> Preset:
    """Return an analog preset; `write_noise` is in units of dw_min, bounds and their dtod are (low, high).

    `also` has the sources of the numbers in `more`.
    """
    low, high = bounds
    chain = (
        PulsedUpdate(dw_min, dtod, cycle),
        Asymmetry(*up),
        *((SoftBounds(low, high),) if soft else ()),
        DeviceBounds(low, high, *bounds_dtod),
        *more,
        CountWrites(),
    )
    numbers = (
        f"dw_min {dw_min:g}, dtod {dtod:g}, cycle {cycle:g}, up {up[0]:g} ({up[1]:g}), bounds {low:g} to {high:g} "
    )
    sources = (
        (f"{numbers}({bounds_dtod[0]:g}, {bounds_dtod[1]:g}), write noise {write_noise:g} dw_min", _AIHWKIT),
        *((("soft bounds", _AIHWKIT),) if soft else ()),
        *also,
        ("pulse trains of length 31", "Gokmen and Vlasov 2016, doi:10.3389/fnins.2016.00333"),
        *_OURS,
    )
    read = (WriteError(write_noise * dw_min),) if write_noise else ()
    return Preset(name, what, Substrate(read=read, write=chain, **_SCALES), sources, note=note)


def _stuck(share: str) -> tuple[tuple[str, str], ...]:
    return (
        (f"{share} of the devices stuck", "measured at IEDM 2022, as aihwkit cites it"),
        ("where they are stuck: anywhere between the bounds", "ours"),
    )


_LINEAR = "The steps' dependence on the state, but for the asymmetry, is not emulated."
idealized = _analog("idealized", "an idealised analog device", 0.0002)
gokmen_vlasov = _analog("gokmen_vlasov", "the device of Gokmen and Vlasov 2016", 0.0016, up=(0.0, 0.01))
reram_es = _analog("reram_es", "ReRAM, exponential steps (Gong 2018)", 0.00135, dtod=0.2, cycle=5.0,
    up=(0.259, 0.05), write_noise=75.0, note=f"{_LINEAR} {_FAILS} a write is off by 75 pulses.")  # fmt: skip
reram_sb = _analog("reram_sb", "ReRAM with soft bounds (Gong 2018)", 0.002, cycle=3.75, up=(0.0, 0.01),
    bounds=(-0.75, 1.25), bounds_dtod=(0.4, 0.24), write_noise=56.0, soft=True,
    note=f"{_FAILS} a write is off by 56 pulses.")  # fmt: skip
reram_om = _analog("reram_om", "OM-ReRAM (IEDM 2022), 13.5 % of the devices stuck", 0.0949, dtod=0.783, cycle=0.416,
    up=(0.0, 0.01), bounds_dtod=(0.570, 0.350), write_noise=1.41, soft=True,
    more=(Stuck(0.135, -1.0, 1.0),), also=_stuck("13.5 %"),
    note=f"{_FAILS} pulses are large, and devices stuck.")  # fmt: skip
reram_hfo2 = _analog("reram_hfo2", "HfO2 ReRAM (IEDM 2022), about 4 states, 10 % of the devices stuck", 0.4622,
    dtod=0.713, cycle=0.217, up=(0.0, 0.01), bounds_dtod=(0.599, 0.430), write_noise=0.584, soft=True,
    more=(Stuck(0.1, -1.0, 1.0),), also=_stuck("10 %"),
    note=f"{_FAILS} pulses are large, and devices stuck.")  # fmt: skip
capacitor = _analog("capacitor", "a capacitor cell (VLSI 2018) that leaks", 0.005, dtod=0.1, up=(0.0, 0.06),
    bounds_dtod=(0.07, 0.07), more=(Leak(1e6, dtod=0.3),), note=_WORSE.capitalize(),
    also=(("leak, lifetime 1e+06 steps (0.3)", _AIHWKIT),
          ("one step of it in each of the network's", "ours")))  # fmt: skip
ecram = _analog("ecram", "Li ECRAM", 0.002, dtod=0.1, up=(0.0, 0.01), bounds=(-0.828, 1.172),
    bounds_dtod=(0.05, 0.05), note=_LINEAR)  # fmt: skip
ecram_mo = _analog("ecram_mo", "metal-oxide ECRAM", 0.000282, dtod=0.1, cycle=2.0, up=(0.0, 0.01),
    bounds=(-0.829, 1.171), bounds_dtod=(0.05, 0.05), note=_LINEAR)  # fmt: skip
_PCM = _analog("pcm", "phase-change memory: drift, read noise, pulses", 0.01, dtod=0.2, cycle=0.6, up=(0.0, 0.05),
    bounds=(-2.0, 2.0), bounds_dtod=(0.1, 0.1), note="A pair of one-sided devices stands as one signed state; its "
    f"refresh is not emulated. {_WORSE.capitalize()}")  # fmt: skip
pcm = _PCM._replace(
    substrate=_PCM.substrate._replace(read=(PhaseChange(1e-3),)),
    sources=(
        *_PCM.sources,
        ("drift and read noise", "aihwkit, PCMLikeNoiseModel; Nandakumar et al. 2019"),
        ("1 ms a step", "ours: give your own, PhaseChange(seconds)"),
    ),
)
_IO = "aihwkit, simulator/parameters/io.py"
analog_io = Preset(
    "analog_io",
    "the converters of an analog array: 7-bit DAC, 9-bit ADC, noise of the lines",
    Substrate(
        input=(Quantise(1 / 126), Saturate(-1.0, 1.0)),
        node=(Quantise(1 / 126), Saturate(-1.0, 1.0)),
        drive=(Noise(0.06), Quantise(24 / 510), Saturate(-12.0, 12.0)),
        write=(CountWrites(),),
    ),
    (("DAC 1/126 of [-1, 1], ADC 1/510 of [-12, 12]", _IO), ("output noise 0.06", _IO), *_OURS),
    rule=LearnedFeedback(sigma=0.05),
)

_MTJ = "artcogsys, MTJ-Node-Perturbation, noise.py and default_config.yaml"
mtj = Preset(
    "mtj",
    "superparamagnetic tunnel junctions: both copies noisy by themselves, the noise never read",
    Substrate(drive=(TelegraphNoise(0.0421, 5.93e-3, 0.0809, 9.08e-4),), write=(CountWrites(),)),
    (("mean 0.0421, telegraph offset 5.93e-3, switching 0.0809, Gaussian 9.08e-4", _MTJ), *_OURS),
    rule=ANP(lr_hidden=1e-6, sigma=1e-4),
    note="The rule's own perturbation of 1e-4 is far below the device's; ANP reads the difference of the drives. "
    "On the forecast it gains nothing over the readout alone (docs/substrates.md).",
)

#: All presets, by name.
PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        *(int16, int12, int10_wide, int8_wide, int8),
        *(loihi_like, spinnaker_like, xylo_like, brainscales2_like, dynapse_like),
        *(idealized, gokmen_vlasov, reram_es, reram_sb, reram_om, reram_hfo2, capacitor, ecram, ecram_mo, pcm),
        *(analog_io, mtj),
    )
}


def named(name: str) -> Preset:
    """Return a preset by its name.

    Parameters
    ----------
    name
        Of the preset.

    Raises
    ------
    ValueError
        If there is none of that name; the nearest names are offered.

    Examples
    --------
    >>> named("loihi")
    Traceback (most recent call last):
    ...
    ValueError: there is no preset 'loihi'; did you mean loihi_like or ...
    """
    if name in PRESETS:
        return PRESETS[name]
    raise ValueError(f"there is no preset {name!r}; {nearest(name, PRESETS)}`onlinernn presets` lists all")


def nearest(name: str, names: Iterable[str]) -> str:
    """Return a question for the names most like one that is none, or nothing where none is like it.

    Parameters
    ----------
    name
        As it was given, in whatever case.
    names
        Those that there are, in small letters.

    Examples
    --------
    >>> nearest("INT18", PRESETS)
    'did you mean int8 or int16 or int12? '
    """
    near = difflib.get_close_matches(name.lower(), list(names), n=3, cutoff=0.4)
    return f"did you mean {' or '.join(near)}? " if near else ""


def explain(preset: Preset) -> str:
    """Return all that a preset is made of, for readers.

    Parameters
    ----------
    preset
        The preset.
    """
    lines = [f"{preset.name}: {preset.what}", ""]
    for name, value in preset.substrate._asdict().items():
        if isinstance(value, tuple):
            lines += [f"  {name:<16}{', then '.join(map(repr, value))}"] if value else []
        elif value:
            lines.append(f"  {name:<16}{value:g}")
    lines += ["", "what a learner on it is given, unless you say otherwise"]
    lines += [f"  {name:<16}{getattr(preset, name)!r}" for name in ("rule", "decorrelation", "readout")]
    lines += ["", "sources", *(f"  {number}: {source}" for number, source in preset.sources)]
    return "\n".join([*lines, *(["", preset.note] if preset.note else [])])
