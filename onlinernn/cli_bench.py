"""``onlinernn bench``: the engine beside its peers, on one processor."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from onlinernn.bench import ONE_THREAD, RULES, pinned, time_first_step, time_steps
from onlinernn.bench_bounds import time_bounds, time_epoch, time_threads
from onlinernn.bench_hardware import MORE, NAMES, time_hardware
from onlinernn.bench_instructions import PROCESSOR, count_instructions
from onlinernn.bench_more import profile, time_feedback, time_streams
from onlinernn.bench_others import PACKAGES, installed
from onlinernn.bench_picture import save_bench
from onlinernn.bench_scripts import scripts, time_scripts
from onlinernn.cli_options import hardware
from onlinernn.cli_output import UsageError, check_writable, refusing, table, versions, write_json
from onlinernn.substrate_file import SUFFIX
from onlinernn.substrates import nearest
from onlinernn.threads import available

DESCRIPTION = """\
Time one step of two copies with immediate learning (one input, one output, float32): the engine's run and step, a
fused Numba function written for this case alone, plain NumPy with one BLAS thread, JAX (jit and scan, two variants,
and one jitted call a sample) and PyTorch (eager, in place) where they are installed, and a kernel that does nothing but
read and write every weight once: the limit of the memory. All take turns on one processor; the figures are medians of
processor time. Then time parallel streams beside NumPy, learned feedback beside ANP with its readout, what a step is
made of, noisy copies and noise of weights against their bounds, two threads beside one, an epoch of the reference BPTT
beside one in PyTorch, and the first step of a new process, with an empty and with a filled cache.

With --substrate: nothing of that, but a step of ANP on hardware beside the same engine without, at 500 units if no size
is given: a preset, a file of your own (`onlinernn presets` says how), "integers" (number=Fixed()), "chain_8bit" (8-bit
weights written with stochastic rounding) or "six_effects" (8 bits read, 16 stored, drives and activities rounded and
held).

With --instructions: nothing but the instructions of a step, at 100 and 500 units if no size is given. They do not
depend on what else the machine does. valgrind counts them, which takes minutes.
"""


def _whole(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def _sizes(text: str) -> list[int]:
    return [_whole(part) for part in text.split(",")]


def _rules(text: str) -> list[str]:
    named = text.split(",")
    if unknown := [name for name in named if name not in RULES]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(RULES)}")
    return named


def _peers(text: str) -> list[str]:
    named = text.split(",")
    if unknown := [name for name in named if name not in ("limit", *PACKAGES)]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of limit, {', '.join(PACKAGES)}")
    if missing := [PACKAGES[name] for name in named if name in PACKAGES and name not in installed()]:
        raise argparse.ArgumentTypeError(f"{missing[0]} is not installed: pip install {missing[0]}")
    return named


def _hardware(text: str) -> list[str]:
    named = text.split(",")
    for name in named:
        if name.endswith(SUFFIX):
            hardware(name)
    if unknown := [name for name in named if name not in NAMES and not name.endswith(SUFFIX)]:
        raise argparse.ArgumentTypeError(
            f"{unknown[0]!r} is none; {nearest(unknown[0], NAMES)}`onlinernn presets` lists all, and there are "
            f"{', '.join(MORE)}"
        )
    return named


def add_parser(subparsers: Any) -> None:
    """Declare the command.

    Parameters
    ----------
    subparsers
        Of the tool's parser.
    """
    parser = subparsers.add_parser(
        "bench",
        help="time a step beside its peers, and the first call",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--hidden", type=_sizes, metavar="N,...", help="sizes (100,500,1000,2000)")
    add("--substrate", type=_hardware, metavar="NAME,...", help="time hardware beside the ideal engine, and no more")
    add("--instructions", action="store_true", help="count the instructions of a step with valgrind, and no more")
    add("--rules", type=_rules, default=list(RULES), metavar="A,...", help="anp, and danp with decorrelation (both)")
    add("--repeats", type=_whole, default=5, metavar="N", help="turns of each implementation (5)")
    add("--peers", type=_peers, metavar="A,...", help="limit, jax, jax stacked, torch (limit and what is installed)")
    add("--peers-folder", type=Path, metavar="DIR", help="run the scripts *_peer.py in there with these sizes, too")
    add(
        "--more", action=argparse.BooleanOptionalAction, default=True, help="time streams, copies, threads, BPTT, parts"
    )
    add("--first-call", action=argparse.BooleanOptionalAction, default=True, help="time the first step of a process")
    add("--cpu", type=int, metavar="N", help="processor to run on (the last one allowed)")
    add("--json", type=Path, metavar="FILE", help="write the rows here")
    add("--figure", type=Path, metavar="FILE", help="draw time per step against n here, with the limit")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    args : Namespace
        As parsed.

    Raises
    ------
    UsageError
        If it cannot be done; nothing has been written then.
    """
    for path in (args.json, args.figure):
        if path is not None:
            check_writable(path)
    if args.peers_folder is not None:
        with refusing():
            scripts(args.peers_folder)
    if args.instructions:
        return _bench_instructions(args)
    if args.hidden is None:
        args.hidden = [100, 500, 1000, 2000] if args.substrate is None else [500]
    if args.substrate is not None and args.figure is not None:
        raise UsageError("--figure draws what --substrate leaves out; give one of them")
    peers = ["limit", *installed()] if args.peers is None else args.peers
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        return _with_one_thread(args)
    if args.substrate is not None:
        return _bench_hardware(args)
    with refusing(), pinned(args.cpu) as cpu:
        rows = time_steps(args.hidden, args.rules, args.repeats, progress=_tell, peers=peers)
        told = [] if args.peers_folder is None else _run_scripts(args.peers_folder, args.hidden, rows)
        more = _more(args.hidden, args.repeats) if args.more else {}
        first = [_first_step(rule) for rule in args.rules] if args.first_call else []
    if args.more and args.cpu is None and available() > 1:  # on two processors, by the clock
        _tell("two threads")
        more["threads"] = time_threads([n for n in args.hidden if n >= 256], args.rules, args.repeats)
    sys.stdout.write(_report(rows, first, cpu) + _report_scripts(told) + _report_more(more))
    if args.json is not None:
        write_json(args.json, "bench", rows, first_call=first, scripts=told, **more, cpu=cpu, versions=versions())
    if args.figure is not None:
        save_bench(args.figure, rows)
    return 0


def _with_one_thread(args: argparse.Namespace) -> int:
    """Do it in a new process: NumPy is imported by now, and has its threads."""
    command = [sys.executable, "-m", "onlinernn", "bench", "--rules", ",".join(args.rules)]
    command += ["--hidden", ",".join(map(str, args.hidden)), "--repeats", str(args.repeats)]
    command += ["--more" if args.more else "--no-more"]
    command += ["--first-call" if args.first_call else "--no-first-call"]
    command += [] if args.cpu is None else ["--cpu", str(args.cpu)]
    command += [] if args.json is None else ["--json", str(args.json)]
    command += [] if args.figure is None else ["--figure", str(args.figure)]
    command += [] if args.peers_folder is None else ["--peers-folder", str(args.peers_folder)]
    command += [] if args.peers is None else ["--peers", ",".join(args.peers)]
    command += [] if args.substrate is None else ["--substrate", ",".join(args.substrate)]
    return subprocess.run(command, env={**os.environ, **ONE_THREAD}, check=False).returncode


def _bench_instructions(args: argparse.Namespace) -> int:
    if args.substrate is not None or args.figure is not None:
        raise UsageError("--instructions counts the ideal engine and draws nothing; leave --substrate and --figure out")
    _tell("nothing, but counting instructions")
    with refusing():
        rows = count_instructions(args.hidden or [100, 500], args.rules)
    cells = [
        [f"{row['rule']} n={row['n']}", *(f"{row[name]:.0f}" for name in ("run", "step")), f"{row['per_weight']:.2f}"]
        for row in rows
    ]
    sys.stdout.write(f"{table(['instructions per step', 'run', 'step', 'run, per weight'], cells)}\n\n")
    sys.stdout.write(f"Counted by valgrind, compiled for the processor {PROCESSOR!r}.\n")
    if args.json is not None:
        write_json(args.json, "bench", rows, versions=versions())
    return 0


def _bench_hardware(args: argparse.Namespace) -> int:
    _tell(f"{', '.join(args.substrate)} beside the ideal engine")
    with refusing(), pinned(args.cpu) as cpu:
        rows = time_hardware(args.substrate, args.hidden, args.repeats)
    cells = [[row["hardware"], str(row["n"]), _us(row["us_per_step"]), f"{row['ratio']:.2f}"] for row in rows]
    sys.stdout.write(f"{table(['hardware', 'n', 'us per step', 'of the ideal engine'], cells)}\n\n")
    where = "not pinned" if cpu is None else f"processor {cpu}"
    sys.stdout.write(f"ANP, medians of processor time, {where}; ideal is float32.\n")
    if args.json is not None:
        write_json(args.json, "bench", rows, cpu=cpu, versions=versions())
    return 0


def _tell(text: str) -> None:
    sys.stderr.write(f"timing {text}\n")
    sys.stderr.flush()


def _more(sizes: list[int], repeats: int) -> dict[str, list[dict[str, Any]]]:
    """Time what does not fit into the table, at sizes of 1000 at most: larger ones only take longer."""
    n = min(500, max(sizes))
    _tell(f"parallel streams, n = {n}")
    streams = time_streams(n, [1, 2, 4, 8, 16, 32, 64], repeats)
    few = [size for size in sizes if size <= 1000] or [min(sizes)]
    _tell("learned feedback, and the parts of a step")
    return {
        "streams": streams,
        "feedback": time_feedback(few, repeats),
        "profile": [row for size in (few[0], few[-1]) for row in profile(size, repeats)],
        "bounds": time_bounds(repeats, most=few[-1]),
        "epochs": [time_epoch(min(100, max(sizes)), repeats)],
    }


def _run_scripts(folder: Path, sizes: list[int], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    _tell(f"the scripts of {folder}")
    return time_scripts(folder, sizes, rows)


def _report_scripts(rows: list[dict[str, Any]]) -> str:
    lines = [
        [f"{row['script']} {row['rule']} n={row['n']}", _us(row["us_per_step"]), f"{row['ratio']:.2f}"]
        for row in rows
        if "error" not in row
    ]
    text = f"\n{table(['script', 'us per step', 'of run'], lines)}\n" if lines else ""
    return text + "".join(f"{row['script']} timed nothing: {row['error']}\n" for row in rows if "error" in row)


def _first_step(rule: str) -> dict[str, Any]:
    _tell(f"{rule}, first step of a process")
    return time_first_step(rule)


def _report(rows: list[dict[str, Any]], first: list[dict[str, Any]], cpu: int | None) -> str:
    """Return the table, with ratios to the engine's run, and what it comes to."""
    cells: dict[tuple[str, int], dict[str, dict[str, Any]]] = {}
    for row in rows:
        cells.setdefault((row["rule"], row["n"]), {})[row["implementation"]] = row
    names = list(dict.fromkeys(row["implementation"] for row in rows))
    others = [name for name in names if name not in ("run", "step", "limit")]
    limited = "limit" in names
    lines = [
        [f"{rule} n={n}", *(_us(of[name]["us_per_step"]) for name in names)]
        + [f"{of[name]['ratio']:.2f}" for name in others]
        + ([f"{100 * of['limit']['ratio']:.0f} %"] if limited else [])
        for (rule, n), of in cells.items()
    ]
    header = ["us per step", *names, *(f"{name}/run" for name in others), *(["of the limit"] if limited else [])]
    worst = max(1 / of["fused"]["ratio"] for of in cells.values())
    smallest = min(n for _, n in cells)
    call = max(
        _overhead(of) for (_, n), of in cells.items() if n == smallest
    )  # it does not depend on n, its noise does
    where = "not pinned" if cpu is None else f"processor {cpu}"
    text = (
        f"{table(header, lines)}\n\n"
        f"float32, medians of processor time, {where}.\n"
        f"run takes at most {worst:.2f} times as long as the fused function (bound 1.3).\n"
        f"step takes {call:.1f} us more than run at n = {smallest} (bound 3).\n"
    )
    called = [of for (_, n), of in cells.items() if n == smallest and "jax call" in of]
    if called:
        least = min(of["jax call"]["us_per_step"] / of["step"]["us_per_step"] for of in called)
        text += f"A jitted JAX call for each sample takes at least {least:.0f} times as long as step (bound 10).\n"
    for row in first:
        cold, warm = (f"{row[key]:.2f} s ({row[key + '_cpu']:.2f} s of processor time)" for key in ("cold", "warm"))
        text += f"{row['rule']}, start of a process to its first step: {cold} with an empty cache (bound 8 s), "
        text += f"{warm} with a filled one (bound 1 s).\n"
    return text


def _report_more(more: dict[str, list[dict[str, Any]]]) -> str:
    if not more:
        return ""
    streams = [
        [str(row["streams"]), _us(row["engine"]), _us(row["numpy"]), f"{row['ratio']:.2f}"] for row in more["streams"]
    ]
    feedback = [
        [str(row["n"]), *(_us(row[name]) for name in ("anp", "feedback", "referee"))]
        + [f"{row[name]:.2f}" for name in ("feedback_ratio", "referee_ratio")]
        for row in more["feedback"]
    ]
    of_feedback = ["n", "anp, same readout", "learned feedback", "with referee", "ratio (bound 1.5)", "(2.5)"]
    parts = [
        [f"n={row['n']} {row['part']}", _us(row["us"]), f"{100 * row['share']:.0f} %"]
        + [f"{row[key] / 1e3:.0f}" if row[key] else "" for key in ("bytes", "flops")]
        for row in more["profile"]
    ]
    bounds = [
        [row["what"], str(row["n"]), _us(row["beside"]), _us(row["us"]), f"{row['ratio']:.2f} (bound {row['bound']:g})"]
        for row in more["bounds"]
    ]
    text = ""
    for row in more["epochs"]:
        beside = "PyTorch is not installed" if row["torch"] is None else f"{row['torch']:.2f} s in PyTorch"
        text += f"An epoch of {row['samples']} samples by BPTT, windows of {row['window']} steps, n = {row['n']}: "
        text += f"{row['reference']:.2f} s by the reference, {beside}.\n"
    if threads := [
        [f"{row['rule']} n={row['n']}", _us(row["one"]), _us(row["two"]), f"{row['ratio']:.2f}", f"{row['memory']:.2f}"]
        for row in more.get("threads", [])
    ]:
        header = ["us per step by the clock", "one thread", "two", "ratio (1.7 wanted)", "of memory alone"]
        text += f"\n{table(header, threads)}\n"
    header = [f"streams, n={more['streams'][0]['n']}", "us per step and stream", "numpy", "numpy/engine"]
    return (
        f"\n{table(header, streams)}\n"
        f"\n{table(of_feedback, feedback)}\n"
        f"\n{table(['danp, part of a step', 'us', 'share', 'kB of weights moved', 'kflop'], parts)}\n"
        f"\n{table(['us per step', 'n', 'beside', 'this', 'ratio'], bounds)}\n\n{text}"
    )


def _overhead(of: dict[str, dict[str, Any]]) -> float:
    return float(of["step"]["us_per_step"] - of["run"]["us_per_step"])


def _us(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"
