"""Hardware of one's own in a file: a preset as JSON that people can write, checked before anything runs."""

import functools
import json
import os
from pathlib import Path
from typing import Any

from onlinernn.checkpoint import write_atomically
from onlinernn.errors import unknown
from onlinernn.hardware import CHAINS, canonical_substrate
from onlinernn.kernels.effects import Substrate
from onlinernn.parts import KINDS, canonical, canonical_decorrelation, full_name, implementations
from onlinernn.substrates import Preset, named

FORMAT = "onlinernn-substrate"
VERSION = 1
SUFFIX = ".json"

_OURS = "onlinernn."
_TEXTS = ("name", "what", "note")


def find(name: str) -> Preset:
    """Return the preset of a name, or that in a file whose name ends in ``.json``, read once in a process.

    Parameters
    ----------
    name : str
        The name or the path.

    Raises
    ------
    ValueError
        If there is none of that name, or the file cannot be used.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> find("int8_wide").name
    'int8_wide'
    >>> find("int8wide")
    Traceback (most recent call last):
    ...
    ValueError: there is no preset 'int8wide'; did you mean int8_wide or ...
    """
    return _read_once(name) if name.endswith(SUFFIX) else named(name)


def write(path: str | os.PathLike[str], preset: Preset) -> None:
    """Write a preset to a file from which :func:`read` makes it again, to start from for hardware of one's own.

    Parameters
    ----------
    path : path
        Where to; the name ends in ``.json``.
    preset : Preset
        The preset.

    Raises
    ------
    ValueError
        If the name does not end in ``.json``; nothing is written then.
    """
    if not os.fspath(path).endswith(SUFFIX):
        raise ValueError(f"{os.fspath(path)}: the name of a substrate file ends in {SUFFIX}")
    whole = {"format": FORMAT, "version": VERSION, **preset._asdict()}
    shown = {name: _shown(value) for name, value in whole.items()} | {"sources": preset.sources}
    shown["substrate"] = {name: _shown(value) for name, value in preset.substrate._asdict().items()}
    write_atomically(path, (json.dumps(shown, indent=2, allow_nan=False) + "\n").encode())


def read(path: str | os.PathLike[str]) -> Preset:
    """Return the preset that a file holds.

    The file is a JSON object: ``format`` and ``version`` as :func:`write` sets them, and what a :class:`Preset` has.
    ``substrate`` has lists of effects by chain, and scales. An effect, a rule, ... is an object with one key, its name,
    and there its numbers by name; ``"CountWrites"`` is short for one without. What is left out stays as a preset has it
    otherwise; ``"decorrelation": null`` is none.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    ValueError
        If the file is no substrate file, is from a later version, or describes what cannot be; the fault is named.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from onlinernn import substrates
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/mine.json", substrates.loihi_like)
    ...     read(f"{folder}/mine.json") == substrates.loihi_like
    True
    """
    where = os.fspath(path)
    try:
        found = json.loads(Path(path).read_bytes().decode(), object_pairs_hook=_object)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{where} is not a whole JSON file: {error}") from None
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if not isinstance(found, dict) or found.pop("format", None) != FORMAT:
        raise ValueError(
            f'{where} is no substrate file: it must hold a JSON object with "format": "{FORMAT}"; '
            "`onlinernn presets NAME --write FILE` writes one to start from"
        )
    version = found.pop("version", None)
    if type(version) is not int or version < 1:  # True is no version
        raise ValueError(f'{where}: version is {version!r}; it must be a whole number, as in "version": {VERSION}')
    if version > VERSION:
        raise ValueError(
            f"{where} is a substrate file of format version {version}; this onlinernn reads versions up to {VERSION}: "
            "install a later release to read it"
        )
    try:
        return _preset(found, Path(path).stem)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from None


_read_once = functools.cache(read)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, in which nothing stands twice: of two chains ``write`` one would be lost unseen."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands twice in one object")
    return found


def _preset(found: dict[str, Any], stem: str) -> Preset:
    _only(found, Preset._fields, "a substrate file")
    if "substrate" not in found:
        raise ValueError('there is no "substrate"; it holds the chains of effects')
    texts = {"name": stem, "what": "hardware of your own", **{name: found[name] for name in _TEXTS if name in found}}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise TypeError(f"{name} is {text!r}; it must be a text")
    sources = found.get("sources", [])
    if not isinstance(sources, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in sources):
        raise TypeError("sources must be a list of pairs: of what number, and where it is from")
    kinds = [name for name in ("rule", "readout") if name in found]
    parts: dict[str, Any] = {name: canonical(name, _part(found[name], name, name)) for name in kinds}
    if "decorrelation" in found:
        whitens = found["decorrelation"]
        parts["decorrelation"] = canonical_decorrelation(
            None if whitens is None else _part(whitens, "decorrelation", "decorrelation")
        )
    substrate = canonical_substrate(_substrate(found["substrate"]))
    return Preset(substrate=substrate, sources=tuple((str(of), str(by)) for of, by in sources), **texts, **parts)


def _substrate(found: Any) -> Substrate:
    if not isinstance(found, dict):
        raise TypeError(f"substrate is {found!r}; it must be an object with chains of effects and scales")
    _only(found, Substrate._fields, "a substrate")
    fields = dict(found)
    for name in set(CHAINS).intersection(found):
        if not isinstance(found[name], list):
            raise TypeError(f"substrate: {name} is {found[name]!r}; it must be a list of effects")
        fields[name] = tuple(_part(one, "effect", f"substrate: {name}") for one in found[name])
    return Substrate(**fields)


def _part(found: Any, kind: str, where: str) -> Any:
    """Return a part of a kind from ``{"Name": {field: number}}`` or ``"Name"``."""
    found = {found: {}} if isinstance(found, str) else found
    if not isinstance(found, dict) or len(found) != 1 or not all(isinstance(fields, dict) for fields in found.values()):
        raise TypeError(f'{where} holds {json.dumps(found)}; a part is written as {{"Name": {{"field": number}}}}')
    ((name, fields),) = found.items()
    by_name: dict[str, Any] = {_short(part): part for part in implementations(kind)}
    if name not in by_name:
        raise ValueError(f"{where}: {unknown(kind, name, sorted(by_name))}; one of your own has to be imported first")
    part = by_name[name]
    _only(fields, part._fields, name)
    missing = [field for field in part._fields if field not in {**part._field_defaults, **fields}]
    if missing:
        raise ValueError(f"{where}: {name} lacks {' and '.join(missing)}")
    inner = {field: _part(fields[field], field, f"{where}: {name}: {field}") for field in KINDS if field in fields}
    return part(**fields | inner)


def _only(found: dict[str, Any], known: tuple[str, ...], what: str) -> None:
    for name in found:
        if name not in known:
            raise ValueError(f"{what} has {unknown('field', name, known)}")


def _shown(value: Any) -> Any:
    """Return a value as it stands in a file."""
    if not isinstance(value, tuple):
        return value
    if not hasattr(value, "_fields"):
        return [_shown(one) for one in value]
    part: Any = value
    fields = {name: _shown(one) for name, one in part._asdict().items()}
    return {_short(type(value)): fields} if fields else _short(type(value))


def _short(part: type) -> str:
    """Return the name of a part in a file: one of ours needs no module."""
    return part.__qualname__ if part.__module__.startswith(_OURS) else full_name(part)
