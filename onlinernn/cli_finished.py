"""The finished rows of a comparison, in the same kind of results file as those of the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from onlinernn.cli_output import plain, refusing
from onlinernn.scores import Row
from onlinernn.studies.store import Store
from onlinernn.studies.trial import Trial, code_version


class Finished:
    """The finished rows of a comparison, in a results file or, without one, nowhere.

    Parameters
    ----------
    path : path or None
        The file.
    asked : mapping
        All that decides the numbers of one method and seed, with the ``task``.

    Raises
    ------
    StudyError
        If it cannot be opened, or is no results file.
    """

    def __init__(self, path: Path | None, asked: Mapping[str, Any]) -> None:
        self._store, self._asked = None if path is None else Store(path), plain(asked)

    def row(self, method: str, seed: int, compute: Callable[[], Row]) -> Row:
        """Return the row of a method and seed, computed and written only if it is not there.

        Parameters
        ----------
        method : str
            Its name.
        seed : int
            Of weights, noise and streams.
        compute : callable
            Returns the row.
        """
        if self._store is None:
            return compute()
        trial, code = Trial("compare", method, seed, {"name": self._asked["task"]}, self._asked), code_version()
        if (outcome := self._store.get(trial, code)) is None:
            row = plain(compute())
            found = {"score": row["nmse_test"], "unstable_at": row["diverged_at_step"], "curve": [], "row": row}
            outcome = {"numbers": found, "measured": {"seconds": row["seconds"] or 0.0}}
            with refusing():
                self._store.put(trial, code, outcome)
        return cast(Row, outcome["numbers"]["row"])

    def __enter__(self) -> Finished:
        return self

    def __exit__(self, *_: object) -> None:
        if self._store is not None:
            self._store.close()
