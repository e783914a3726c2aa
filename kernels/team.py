"""Sharing the passes over the large matrices among threads: whoever is there takes the next part.

A learner of several threads has a *team*, a few words of memory whose address the kernels know; 0 is none. The
thread that does a step publishes a pass in it and takes parts of the pass until none is left; helpers, threads that
:func:`seek` all the while, take parts too. Which parts there are depends on the sizes alone, and no part reads what
another writes: so the numbers are the same however many help, and the step gets done where nobody does.
"""

import platform
import sys
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from onlinernn.kernels.dispatch import FAST, INNER, compiled

#: The words of a team; what different threads write lies on different cache lines. While STAY is not 0 no helper loses
#: patience; HELPED counts the parts that helpers did.
TICKET, DONE, STAY, HELPERS, PASS, HELPED, N_TEAM = 0, 8, 16, 24, 32, 40, 48

#: The ticket counts the parts of a pass that were taken from its first on, by the thread that does the step, in its low
#: byte; in the next byte those taken from its last on, by helpers; and passes above them. So rows stay in the cache of
#: one core from step to step. A count goes too far where nothing was left.
BYTE, NEXT = 0x100, 0x10000

#: What a pass is over.
RECURRENT, DECORRELATION = 0, 1

#: How many turns of 20 ns or more a helper looks for work before it leaves, and a step waits before it gives way.
PATIENCE, TURNS = 50_000, 1000

_WORD = ir.IntType(64)


def _place(builder: Any, args: Any) -> Any:
    return cgutils.gep_inbounds(builder, builder.inttoptr(args[0], _WORD.as_pointer()), args[1])


def _loading(context: Any, team: Any, at: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_place(builder, args), "acquire", 8)

    return types.int64(types.int64, types.int64), code


def _storing(context: Any, team: Any, at: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store_atomic(args[2], _place(builder, args), "release", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), code


def _adding(context: Any, team: Any, at: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", _place(builder, args), args[2], "seq_cst")

    return types.int64(types.int64, types.int64, types.int64), code


def _resting(context: Any, turn: Any) -> Any:
    """Tell the processor that this thread waits; every so many turns, let another one run."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if platform.machine().lower() in ("x86_64", "amd64"):
            nothing = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, nothing, "llvm.x86.sse2.pause"), [])
        if sys.platform != "win32":
            kind = ir.FunctionType(ir.IntType(32), [])
            due = builder.icmp_unsigned("==", builder.urem(args[0], _WORD(TURNS)), _WORD(TURNS - 1))
            with builder.if_then(due, likely=False):
                builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(types.int64), code


_load: Any = intrinsic(_loading)
_store: Any = intrinsic(_storing)
_add: Any = intrinsic(_adding)
_rest: Any = intrinsic(_resting)


@compiled(**FAST)
def _taken(ticket: Any) -> Any:
    return ticket % BYTE + ticket // BYTE % BYTE


def publish(team: Any, kind: Any, before: Any, tagged: Any, learning: Any, alike: Any) -> None:
    """Publish a pass over a matrix, of a `kind`, and what those who help need to know of it."""


@overload(publish, jit_options=INNER)
def _publish(team: Any, kind: Any, before: Any, tagged: Any, learning: Any, alike: Any) -> Any:
    def code(team: Any, kind: Any, before: Any, tagged: Any, learning: Any, alike: Any) -> None:
        if team != 0:
            _store(team, PASS, kind)
            _store(team, PASS + 1, before)
            _store(team, PASS + 2, tagged)
            _store(team, PASS + 3, learning)
            _store(team, PASS + 4, alike)
            _store(team, DONE, 0)
            _store(team, TICKET, (_load(team, TICKET) // NEXT + 1) * NEXT)

    return code


def published(team: Any) -> Any:
    """Return what was published: kind, before, tagged, learning, alike. Without a team nothing ever is."""
    return 0, 0, 0, False, 0


@overload(published, jit_options=INNER)
def _published(team: Any) -> Any:
    def code(team: Any) -> Any:
        words = _load(team, PASS), _load(team, PASS + 1), _load(team, PASS + 2)
        return (*words, _load(team, PASS + 3) == 1, _load(team, PASS + 4))

    return code


def take(team: Any, parts: Any, part: Any) -> Any:
    """Return the next part of the pass, which only the caller gets, or `parts` or more; without a team `part` + 1."""
    return part + 1


@overload(take, jit_options=INNER)
def _take(team: Any, parts: Any, part: Any) -> Any:
    def code(team: Any, parts: Any, part: Any) -> Any:
        if team == 0:
            return part + 1
        ticket = _add(team, TICKET, 1)
        return ticket % BYTE + (parts if _taken(ticket) >= parts else 0)

    return code


def turned(team: Any, parts: Any, part: Any, tick: Any) -> Any:
    """Return the part to do in place of `part`: in every other step a thread begins where it ended the step before.

    What it read last is in its cache still. Of several threads each turns its own half round; the halves are two even
    where one thread does more.
    """
    half = parts if team == 0 else (parts + 1) // 2
    return part if tick % 2 == 0 else min(part // half * half + half, parts) - 1 - part % half


@overload(turned, jit_options=INNER)
def _turned(team: Any, parts: Any, part: Any, tick: Any) -> Any:
    return turned


def finish(team: Any) -> None:
    """Say that a part is done."""


@overload(finish, jit_options=INNER)
def _finish(team: Any) -> Any:
    def code(team: Any) -> None:
        if team != 0:
            _add(team, DONE, 1)

    return code


def wait(team: Any, parts: Any) -> None:
    """Wait until all `parts` of the pass are done."""


@overload(wait, jit_options=INNER)
def _wait(team: Any, parts: Any) -> Any:
    def code(team: Any, parts: Any) -> None:
        if team != 0:
            turn = 0
            while _load(team, DONE) < parts:
                _rest(turn)
                turn += 1

    return code


def seek(team: Any, parts: Any) -> Any:
    """Wait for a pass of `parts`, and return a part that only the caller gets, or -1 when none has come for long."""
    return -1


@overload(seek, jit_options=INNER)
def _seek(team: Any, parts: Any) -> Any:
    def code(team: Any, parts: Any) -> Any:
        turn = 0
        while True:
            if _taken(_load(team, TICKET)) < parts:
                ticket = _add(team, TICKET, BYTE)
                if _taken(ticket) < parts:
                    _add(team, HELPED, 1)
                    return parts - 1 - ticket // BYTE % BYTE
            _rest(turn)
            turn += 1
            if turn >= PATIENCE and _load(team, STAY) == 0:
                _add(team, HELPERS, -1)
                if _load(team, STAY) == 0:
                    return -1
                _add(team, HELPERS, 1)

    return code


def bounds(n: Any, parts: Any, part: Any) -> Any:
    """Return the first row of one of the `parts` of a matrix of `n` rows, and the one after its last."""
    width = ((n + parts - 1) // parts + 3) // 4 * 4
    return min(part * width, n), min(part * width + width, n)


@overload(bounds, jit_options=INNER)
def _bounds(n: Any, parts: Any, part: Any) -> Any:
    return bounds
