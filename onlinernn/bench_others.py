"""The peers that other packages run: the same two-copy step in JAX (jit and scan) and in PyTorch (eager, in place).

Both are imported when they are asked for, and never needed. The arithmetic is that of ``bench_peers.py``; they draw
their own noise, as the engine does.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from onlinernn.bench_peers import TINY, Array, Net

#: Name of a peer, and the package it needs.
PACKAGES = {"jax": "jax", "jax stacked": "jax", "jax call": "jax", "torch": "torch"}

Peer = Callable[[Array, Array], Any]


def installed() -> list[str]:
    """Return the names of the peers whose package is here."""
    return [name for name, package in PACKAGES.items() if find_spec(package) is not None]


def unit(name: str, n: int) -> int:
    """Return how many steps one call of a peer does: enough that the call costs little, or one where that is the point.

    Parameters
    ----------
    name : str
        Out of ``PACKAGES``; ``"jax call"`` is one jitted call for each sample, as a stream needs it.
    n : int
        Hidden units.

    Examples
    --------
    >>> unit("jax", 100), unit("jax call", 100)
    (1000, 1)
    """
    if name == "jax call":
        return 1
    return 1000 if n <= 1000 else 200


def other_peer(name: str, net: Net, sigma: float) -> Peer:
    """Return a peer: a function of inputs and targets, whose number is a multiple of :func:`unit`.

    Parameters
    ----------
    name : str
        Out of ``PACKAGES``.
    net : Net
        Its first weights.
    sigma : float
        Standard deviation of the noise.
    """
    if name == "torch":
        return _torch_peer(net, sigma, unit(name, net.A.size))
    return _jax_peer(net, sigma, stacked=name == "jax stacked", count=unit(name, net.A.size))


def _jax_step(jnp: Any, net: Net, stacked: bool) -> Callable[[Any, Any], Any]:
    """Return one step; both copies go through a matrix as two products, or `stacked` as one."""
    n, decorrelated = net.A.size, bool(net.D.size)
    lr, rate = np.float32(net.lr), np.float32(net.rate)

    def both(matrix: Any, clean: Any, noisy: Any) -> Any:
        if stacked:
            product = matrix @ jnp.stack([clean, noisy], 1)
            return product[:, 0], product[:, 1]
        return matrix @ clean, matrix @ noisy

    def step(carry: Any, sample: Any) -> Any:
        A, R, B, D, s, s_noisy = carry
        u, target, xi, nu = sample
        drive, drive_noisy = both(R, s, s_noisy)
        a, a_noisy = A * u + drive, A * u + drive_noisy + xi
        x, x_noisy = jnp.tanh(a), jnp.tanh(a_noisy)
        now, now_noisy = both(D, x, x_noisy) if decorrelated else (x, x_noisy)
        y, y_noisy = B @ now, B @ now_noisy + nu
        third = lr * (y_noisy - y) * (y_noisy + y - 2 * target)
        if decorrelated:
            D = D - rate * (now[:, None] * (now @ D)[None, :] - (now * now)[:, None] * D)
        delta = a_noisy - a
        signal = (third * n / (delta @ delta + TINY)) * delta
        A, R = A - signal * u, R - signal[:, None] * s[None, :]
        B = B - (third / (y_noisy - y + TINY)) * now
        return (A, R, B, D, now, now_noisy), (y - target) ** 2

    return step


def _jax_peer(net: Net, sigma: float, stacked: bool, count: int) -> Peer:
    jax = import_module("jax")
    jnp, n = jax.numpy, net.A.size
    step = _jax_step(jnp, net, stacked)

    def block(carry: Any, key: Any, U: Any, Y: Any) -> Any:
        of_drives, of_outputs, after = jax.random.split(key, 3)
        xi = sigma * jax.random.normal(of_drives, (U.size, n))
        nu = sigma * jax.random.normal(of_outputs, (U.size,))
        carry, losses = jax.lax.scan(step, carry, (U, Y, xi, nu))
        return carry, after, losses

    compiled = jax.jit(block, donate_argnums=(0,))
    zero = np.zeros(n, np.float32)
    state = [tuple(jnp.array(array) for array in (net.A, net.R, net.B, net.D, zero, zero)), jax.random.key(0)]

    def run(U: Array, Y: Array) -> Array:
        losses = []
        for start in range(0, len(U), count):
            part = slice(start, start + count)
            state[0], state[1], of_part = compiled(state[0], state[1], U[part], Y[part])
            losses.append(np.asarray(of_part))
        jax.block_until_ready(state[0])
        return np.concatenate(losses)

    return run


def _torch_peer(net: Net, sigma: float, count: int) -> Peer:
    torch = import_module("torch")
    torch.set_num_threads(1)
    n, decorrelated = net.A.size, bool(net.D.size)
    # R and D are kept transposed: (2, n) times (n, n) is the product that runs fast
    A, RT, B = torch.tensor(net.A), torch.tensor(net.R.T.copy()), torch.tensor(net.B)
    DT = torch.tensor(net.D.T.copy())
    read, drives, q, squares = torch.zeros(2, n), torch.zeros(2, n), torch.zeros(n), torch.zeros(n)
    delta, spare, X = torch.zeros(n), torch.zeros(2, n), torch.zeros(2, n)

    def steps(U: Array, Y: Array) -> Array:
        nonlocal read, spare
        losses = np.zeros_like(U)
        for start in range(0, len(U), count):
            xi, nu = sigma * torch.randn(count, n), (sigma * torch.randn(count)).tolist()
            for t in range(count):
                u, target = float(U[start + t]), float(Y[start + t])
                torch.mm(read, RT, out=drives)
                drives.add_(A, alpha=u)
                drives[1].add_(xi[t])
                if decorrelated:
                    torch.tanh(drives, out=X)
                    torch.mm(X, DT, out=spare)
                else:
                    torch.tanh(drives, out=spare)
                now = spare[0]
                y, y_noisy = torch.mv(spare, B).tolist()
                y_noisy += nu[t]
                losses[start + t] = (y - target) ** 2
                third = net.lr * (y_noisy - y) * (y_noisy + y - 2 * target)
                if decorrelated:
                    torch.mv(DT, now, out=q)
                    torch.mul(now, now, out=squares)
                    DT.addcmul_(DT, squares[None], value=net.rate)
                    DT.addcmul_(q[:, None], now[None], value=-net.rate)
                torch.sub(drives[1], drives[0], out=delta)
                gain = third * n / (float(torch.dot(delta, delta)) + float(TINY))
                RT.addcmul_(read[0][:, None], delta[None], value=-gain)
                A.add_(delta, alpha=-gain * u)
                B.add_(now, alpha=-third / (y_noisy - y + float(TINY)))
                read, spare = spare, read
        return losses

    def run(U: Array, Y: Array) -> Array:
        with torch.no_grad():
            return steps(U, Y)

    return run
