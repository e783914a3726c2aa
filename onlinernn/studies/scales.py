"""How large a study is: quick for tests, standard for the pages of results, full for the paper's own sizes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """The sizes of every figure at one scale.

    Attributes
    ----------
    seeds : int
        Seeds 0, 1, ... of weights, noise and streams.
    hidden : int
        Hidden units.
    epochs, epochs_weather, epochs_copy : int
        Passes over the training stream of Mackey-Glass, of the weather file, of copy memory.
    length : int
        Steps of a Mackey-Glass stream.
    rows : int
        Training rows of the weather file, its last ones.
    sequences : int
        Sequences of copy memory in a pass.
    units : tuple of int
        Hidden units in the figure on scaling.
    rows_units, epochs_units : int
        Training rows of the weather file there, and passes over them.
    steps : tuple of int
        Sequence lengths in the figure on time and memory.
    sizes : tuple of int
        Hidden units there.
    """

    seeds: int
    hidden: int
    epochs: int
    epochs_weather: int
    epochs_copy: int
    length: int
    rows: int
    sequences: int
    units: tuple[int, ...]
    rows_units: int
    epochs_units: int
    steps: tuple[int, ...]
    sizes: tuple[int, ...]


SCALES = {
    "quick": Scale(2, 20, 2, 1, 2, 600, 1000, 2, (10, 20), 500, 1, (100, 200), (10, 20)),
    "standard": Scale(
        5, 100, 6, 2, 20, 5000, 16_800, 20, (100, 300, 1000, 3000), 1000, 1, (100, 1000, 10_000), (30, 100, 300, 1000)
    ),
    "full": Scale(
        *(5, 500, 50, 20, 200, 5000, 33_600, 50),
        *((100, 500, 1000, 2000, 3000), 33_600, 20, (100, 1000, 10_000), (100, 500, 1000)),
    ),
}
"""Of each scale, by name."""
