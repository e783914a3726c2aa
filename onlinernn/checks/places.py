"""Locality: the update of a synapse depends on the signals that its part declares, and on nothing else."""

from typing import Any

from onlinernn.checks.hosts import layers_of, parts_of
from onlinernn.checks.properties import hold
from onlinernn.checks.strategies import synapses
from onlinernn.kernels.contracts import LocalityContract
from onlinernn.locality import Learn, LocalityTable, Seen, look, table
from onlinernn.scene import Scene, Synapse


class LocalityError(AssertionError):
    """An update that depends on something that the contract does not allow, or on nothing at all."""


def check_locality(
    part: Any,
    contract: LocalityContract | None = None,
    *,
    learn: Learn = Scene.learn,
    examples: int = 8,
    **settings: Any,
) -> LocalityTable:
    """Change everything that a synapse may not see, array by array and all together, and demand the same bits.

    Then each signal that it may see is changed, to tell which of them the update uses.

    Parameters
    ----------
    part
        A rule, a readout rule or a decorrelation.
    contract
        What its synapses may see; None: what the part declares, see :func:`onlinernn.kernels.contracts.contract`.
    learn
        How a scene learns; by default as the engine does it.
    examples
        How many synapses of each layer are looked at.
    **settings
        Other arguments of :class:`onlinernn.OnlineLearner`, as ``decorrelation=Whitening()``.

    Returns
    -------
    LocalityTable
        Each signal, the layers in which it is used, and its reach.

    Raises
    ------
    LocalityError
        With the shortest counter-example: which synapse, which foreign signal, by how much.

    Examples
    --------
    >>> from onlinernn import NP
    >>> print(check_locality(NP(), examples=3))
    signal               used   reach
    own weight           -      synapse
    activity before it   A B R  neuron
    noise of its neuron  A B R  neuron
    loss difference      A B R  network
    """
    parts = parts_of(part, **settings)
    name = type(part).__name__
    findings = []
    for layer in layers_of(part, parts):
        seen: list[tuple[Synapse, Seen]] = []

        def claim(synapse: Synapse, seen: list[tuple[Synapse, Seen]] = seen) -> None:
            one = look(parts, synapse, None if contract is None else contract.allowed, learn)
            if one.violation is not None:
                raise LocalityError(f"{name} is not local: {one.violation}")
            seen.append((synapse, one))

        hold(synapses(parts, layer), claim, examples)
        used = frozenset[str]().union(*(one.used for _, one in seen))
        if not used:
            raise LocalityError(f"{name} teaches {layer} nothing: no signal changes the update; is its rate above 0?")
        may = Scene(parts, seen[0][0]).contract().allowed if contract is None else contract.allowed
        findings.append((layer, may, used))
    return table(findings)
