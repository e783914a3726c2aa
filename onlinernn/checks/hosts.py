"""The learner in which a part is checked: with what goes with it, and otherwise the plainest parts."""

from typing import Any

from onlinernn.hardware import misplaced
from onlinernn.kernels.effects import Substrate
from onlinernn.kernels.readouts import perturbed
from onlinernn.kernels.rules import ANP
from onlinernn.parts import kind_of
from onlinernn.scene import Parts, learner_of
from onlinernn.substrates import Preset

#: A rate at which a few steps move the weights by much more than rounding.
HOST = ANP(lr_hidden=1e-3, lr_readout=1e-2)


def parts_of(part: Any, **settings: Any) -> Parts:
    """Return the parts of a learner that has `part` in it.

    Parameters
    ----------
    part
        A rule, cell, loss, noise source, effect, decorrelation, readout rule, schedule, substrate or preset; a
        preset brings what learns on it.
    **settings
        Other arguments of the learner.

    Raises
    ------
    TypeError
        If it is none of these.

    Examples
    --------
    >>> from onlinernn import LeakyTanh
    >>> parts_of(LeakyTanh()).settings
    {'cell': LeakyTanh(alpha=0.5, exact=False)}
    """
    kind = kind_of(part)
    if kind == "rule":
        return Parts(part, settings)
    if kind == "noise":
        return Parts(HOST._replace(noise=part), settings)
    if isinstance(part, Preset):
        own = {name: getattr(part, name) for name in ("substrate", "decorrelation", "readout")}
        return Parts(part.rule, {**own, **settings})
    if isinstance(part, Substrate):
        return Parts(HOST, {"substrate": part, **settings})
    if kind == "effect":
        read, write, node = (() if misplaced(type(part), name) else (part,) for name in ("read", "write", "node"))
        return Parts(HOST, {"substrate": Substrate(read=read, write=write, node=node), **settings})
    if kind is None or kind in ("trace", "rounding"):
        raise TypeError(f"{part!r} is no part of a learner")
    return Parts(HOST, {kind: part, **settings})


def layers_of(part: Any, parts: Parts) -> str:
    """Return the layers whose updates a part decides.

    Parameters
    ----------
    part
        The part.
    parts
        Of the learner that has it.
    """
    kind = kind_of(part)
    if kind in ("readout", "decorrelation"):
        return "B" if kind == "readout" else "D"
    return "RAB" if perturbed(learner_of(parts).spec.readout) else "RA"
