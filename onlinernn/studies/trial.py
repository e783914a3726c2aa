"""A trial: a pure function of its configuration, and the key under which its outcome is kept."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from onlinernn import kernels
from onlinernn.errors import StudyError

_PACKAGE = Path(__file__).resolve().parents[1]
# What only shows, stores or distributes numbers does not change them; an edit there keeps the trials that are done.
_BYSTANDERS = ("cli", "plots", "progress", "bench", "journal", "__main__")
_BYSTANDING_STUDIES = ("store", "pool", "cluster", "study", "watch", "panels", "draw", "pages", "figures", "scales")


@dataclass(frozen=True)
class Trial:
    """One thing to compute, told completely.

    Parameters
    ----------
    kind : str
        What is done, out of ``onlinernn.studies.work.KINDS``.
    method : str
        What is trained or measured.
    seed : int
        Of weights, noise and streams.
    task : dict
        What it is trained on, in terms of JSON.
    numbers : dict
        All else that decides the outcome, in terms of JSON.

    Examples
    --------
    >>> one = Trial("floor", "constant", 0, {"name": "mackey-glass"})
    >>> one.label, one == Trial.read(one.text)
    ('constant on mackey-glass, seed 0', True)
    """

    kind: str
    method: str
    seed: int
    task: dict[str, Any]
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The configuration as canonical JSON: the same for equal trials."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def read(cls, text: str) -> Trial:
        """Return the trial that a text stands for.

        Parameters
        ----------
        text : str
            As ``text`` gives it.
        """
        return cls(**json.loads(text))

    def key(self, code: str) -> str:
        """Return the hash of the whole configuration and the version of the code.

        Parameters
        ----------
        code : str
            As ``code_version`` gives it.
        """
        return hashlib.sha256(f"{code}\n{self.text}".encode()).hexdigest()[:32]

    @property
    def label(self) -> str:
        """What to call it before readers."""
        horizon = self.task.get("horizon")
        ahead = "" if horizon is None else f" {abs(horizon)} {'ahead' if horizon > 0 else 'back'}"
        return f"{self.method} on {self.task.get('name', self.kind)}{ahead}, seed {self.seed}"


@functools.cache
def code_version() -> str:
    """Return the version of the package and a digest of every source file that decides numbers.

    An edit in one of these files makes other trials of all: what was computed before it is kept, and not used.
    """
    from onlinernn import __version__

    folders = {"onlinernn": _PACKAGE, "kernels": Path(kernels.__file__).parent}
    digest = hashlib.sha256()
    for name, folder in folders.items():
        for path in sorted(folder.rglob("*.py")):
            place = path.relative_to(folder)
            aside = _BYSTANDING_STUDIES if place.parts[0] == "studies" else _BYSTANDERS
            if (name == "onlinernn" and place.parts[0] == "kernels") or path.stem.startswith(aside):
                continue
            digest.update(f"{name}/{place.as_posix()}\n".encode() + path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


def require_code(wanted: str) -> None:
    """Refuse to compute for a study that another version of the code has begun, as on a stale worker of a cluster.

    Parameters
    ----------
    wanted : str
        The version of who asks.

    Raises
    ------
    StudyError
        If this process has another one.
    """
    if code_version() != wanted:
        raise StudyError(f"this worker has onlinernn {code_version()}, but the study {wanted}: install the same there")
