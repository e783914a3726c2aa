"""The results file: one SQLite file of finished trials, written one by one, safe against a stop at any moment."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from onlinernn.errors import StudyError
from onlinernn.studies.trial import Trial

APPLICATION = 0x4F4E4C52  # "ONLR": tells our files from other SQLite files
FORMAT = 1
DEFAULT = "onlinernn-results.db"
"""The results file where none is named."""
BUSY_SECONDS = 30.0
_TABLES = """
CREATE TABLE IF NOT EXISTS trials (
    key TEXT PRIMARY KEY, code TEXT NOT NULL, config TEXT NOT NULL, outcome TEXT NOT NULL,
    finished TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS failures (
    key TEXT PRIMARY KEY, code TEXT NOT NULL, config TEXT NOT NULL, message TEXT NOT NULL,
    failed TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
"""


@dataclass(frozen=True)
class Kept:
    """A trial of a results file.

    Attributes
    ----------
    trial : Trial
        What was computed.
    code : str
        By which version of the code.
    outcome : dict
        What came out: ``numbers`` that repeat bit for bit, and what was ``measured``, as times.
    finished : str
        When, in UTC.
    """

    trial: Trial
    code: str
    outcome: dict[str, Any]
    finished: str


class Store:
    """A results file. Several processes may write to it at once.

    Every finished trial is one transaction of SQLite's write-ahead log, so that a kill at any moment loses none that
    was written; a trial that two processes finish is kept once.

    Parameters
    ----------
    path : path
        The file; it is made where there is none.
    create : bool
        Whether it may be made.

    Raises
    ------
    StudyError
        If it cannot be opened, is no results file, or was written by another version of the format.

    Examples
    --------
    >>> import tempfile
    >>> trial = Trial("floor", "constant", 0, {"name": "mackey-glass"})
    >>> with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "study.db") as store:
    ...     first, second = (store.put(trial, "1.0", {"numbers": {"x": x}}) for x in (0.1, 0.2))
    ...     first, second, store.get(trial, "1.0")
    (True, False, {'numbers': {'x': 0.1}})
    """

    def __init__(self, path: str | PathLike[str], *, create: bool = True) -> None:
        self.path = Path(path)
        if not self.path.exists() and not create:
            raise StudyError(f"there is no results file {self.path}")
        with self._explaining("opened"):
            self._connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            with self._explaining("opened"):
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        ask = self._connection.execute
        mark, version = (ask(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        if not ask("SELECT count(*) FROM sqlite_master").fetchone()[0] and not mark:
            ask("PRAGMA journal_mode = WAL")
            # Two processes may get here at once: each of these statements may be done twice.
            ask(f"PRAGMA application_id = {APPLICATION}")
            ask(f"PRAGMA user_version = {FORMAT}")
            self._connection.executescript(_TABLES)
        elif mark != APPLICATION:
            raise StudyError(f"{self.path} is a database, but no results file of onlinernn; name another file")
        elif version != FORMAT:
            raise StudyError(
                f"{self.path} is a results file of format {version}, and this onlinernn writes format {FORMAT}: "
                "name another file, or use the version that wrote it"
            )
        else:
            self._connection.executescript(_TABLES)
        ask("PRAGMA synchronous = FULL")

    @contextlib.contextmanager
    def _explaining(self, done: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            hint = {
                "database or disk is full": "make room and repeat the command: what is finished is kept",
                "file is not a database": "it is no results file; name another one",
                "database is locked": f"another process has held it for {BUSY_SECONDS:.0f} s",
            }.get(str(error), "its folder must exist and be writable")
            raise StudyError(f"{self.path} cannot be {done}: {error} ({hint})") from error

    def put(self, trial: Trial, code: str, outcome: dict[str, Any]) -> bool:
        """Write a finished trial at once; return whether it is new.

        Parameters
        ----------
        trial : Trial
            What was computed.
        code : str
            By which version of the code.
        outcome : dict
            In terms of JSON, finite.

        Raises
        ------
        StudyError
            If it cannot be written, as on a full disk. What was written before is kept.
        """
        key = trial.key(code)
        row = (key, code, trial.text, json.dumps(outcome, allow_nan=False))
        with self._explaining("written"):
            done = self._connection.execute(
                "INSERT OR IGNORE INTO trials (key, code, config, outcome) VALUES (?, ?, ?, ?)", row
            )
            self._connection.execute("DELETE FROM failures WHERE key = ?", (key,))
        return done.rowcount == 1

    def fail(self, trial: Trial, code: str, message: str) -> None:
        """Note that a trial failed; it is tried again by the next run of its study.

        Parameters
        ----------
        trial, code
            As for ``put``.
        message : str
            Why.
        """
        with self._explaining("written"):
            self._connection.execute(
                "INSERT OR REPLACE INTO failures (key, code, config, message) VALUES (?, ?, ?, ?)",
                (trial.key(code), code, trial.text, message),
            )

    def get(self, trial: Trial, code: str) -> dict[str, Any] | None:
        """Return the outcome of a trial, None if it is not finished.

        Parameters
        ----------
        trial, code
            As for ``put``.
        """
        with self._explaining("read"):
            found = self._connection.execute("SELECT outcome FROM trials WHERE key = ?", (trial.key(code),)).fetchone()
        return None if found is None else json.loads(found[0])

    def trials(self, code: str | None = None) -> list[Kept]:
        """Return what is finished, in the order in which it was.

        Parameters
        ----------
        code : str, optional
            Of this version of the code only.
        """
        with self._explaining("read"):
            rows = self._connection.execute(
                "SELECT config, code, outcome, finished FROM trials WHERE ? IS NULL OR code = ? ORDER BY rowid",
                (code, code),
            ).fetchall()
        return [Kept(Trial.read(config), of, json.loads(outcome), when) for config, of, outcome, when in rows]

    def failures(self) -> list[tuple[Trial, str]]:
        """Return the trials that failed when last tried, and why."""
        with self._explaining("read"):
            rows = self._connection.execute("SELECT config, message FROM failures ORDER BY rowid").fetchall()
        return [(Trial.read(config), message) for config, message in rows]

    def codes(self) -> list[str]:
        """Return the versions of the code that finished a trial, the latest last."""
        with self._explaining("read"):
            rows = self._connection.execute("SELECT code FROM trials GROUP BY code ORDER BY max(rowid)").fetchall()
        return [code for (code,) in rows]

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def missing(store: Store, trials: Iterable[Trial], code: str) -> list[Trial]:
    """Return the trials that are not finished, each once.

    Parameters
    ----------
    store : Store
        Where they would be.
    trials : iterable of Trial
        What is wanted.
    code : str
        By which version of the code.
    """
    return [trial for trial in {one.key(code): one for one in trials}.values() if store.get(trial, code) is None]
