"""True BPTT in PyTorch, where that is installed: what the reference's time is worth beside a tool that people use.

The same windows, clipping, optimizer and schedule as the reference, from the same weights, on one thread; the loop over
time is PyTorch's own where the cell has no leak.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from onlinernn.controls import MAX_NORM, leaks
from onlinernn.evaluate import shift_targets
from onlinernn.scores import Row, row, score
from onlinernn.settings import Match
from onlinernn.tasks import Task
from onlinernn.tasks.stream import Floats

TORCH = "BPTT-PyTorch"


def installed() -> bool:
    """Return whether there is a PyTorch."""
    return find_spec("torch") is not None


class TorchNet:
    """The network as PyTorch parameters.

    Parameters
    ----------
    weights : mapping of str to array
        A, R, b, B, c, E.
    leak : float or array (n,)
        Share of the new value in a cell, in (0, 1], for all neurons or for each.
    dtype : str
        ``"float32"`` or ``"float64"``.
    """

    def __init__(self, weights: dict[str, Floats], leak: float | Floats, dtype: str) -> None:
        self.torch = torch = import_module("torch")
        self.dtype, self.leaky = getattr(torch, dtype), bool((np.asarray(leak) < 1.0).any())
        self.leak = self.tensor(np.asarray(leak))
        inputs = np.column_stack([weights["A"], weights["b"]])  # one bias a neuron, as the weight of a constant input
        self.rnn = torch.nn.RNN(inputs.shape[1], len(inputs), bias=False, dtype=self.dtype)
        self.readout = torch.nn.Linear(len(inputs) + inputs.shape[1] - 1, len(weights["B"]), dtype=self.dtype)
        start = (inputs, weights["R"], np.column_stack([weights["B"], weights["E"]]), weights["c"])
        self.parameters = [*self.rnn.parameters(), *self.readout.parameters()]
        with torch.no_grad():
            for parameter, value in zip(self.parameters, start, strict=True):
                parameter.copy_(torch.as_tensor(np.array(value)))

    def tensor(self, rows: Floats) -> Any:
        """Return rows as a tensor.

        Parameters
        ----------
        rows : array
            Any.
        """
        return self.torch.as_tensor(np.array(rows), dtype=self.dtype)

    def forward(self, u: Any, x: Any) -> tuple[Any, Any]:
        """Return the outputs (T, m) for inputs, and the activity after the last.

        Parameters
        ----------
        u : tensor (T, d)
            The inputs.
        x : tensor (1, n)
            The activity before.
        """
        torch = self.torch
        with_one = torch.cat([u, torch.ones_like(u[:, :1])], dim=1)
        if not self.leaky:
            activity, x = self.rnn(with_one, x)
        else:
            A, R = self.parameters[:2]
            drives, path = with_one @ A.T, []
            for t in range(len(u)):
                x = (1.0 - self.leak) * x + self.leak * torch.tanh(drives[t] + x @ R.T)
                path.append(x)
            activity = torch.cat(path)
        return self.readout(torch.cat([activity, u], dim=1)), x


def torch_row(
    task: Task,
    settings: Match,
    weights: dict[str, Floats],
    epochs: int,
    seed: int,
    on_epoch: Callable[[int], None] | None = None,
) -> Row:
    """Train the network by truncated BPTT in PyTorch, test it, and return its row.

    What is learnt does not depend on when a target comes, only when it is learnt: the target delay is left out but for
    the targets that come after the end of a stream. There is no prequential score.

    Parameters
    ----------
    task : Task
        What it is trained on.
    settings : Match
        Rate, window, leak and dtype.
    weights : mapping of str to array
        The initial weights, as ``TorchNet`` takes them.
    epochs : int
        Passes over the training stream.
    seed : int
        Of the streams.
    on_epoch : callable, optional
        Called with the samples done after every epoch.
    """
    net = TorchNet(weights, leaks(settings), settings.dtype)
    torch, threads = net.torch, net.torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds, x = _train(net, task, settings, epochs, seed, on_epoch)
        rest = task.test(seed)
        with torch.no_grad():
            outputs = net.forward(net.tensor(rest.inputs), torch.zeros_like(x) if task.resets else x)[0]
    finally:
        torch.set_num_threads(threads)
    if task.loss == "softmax_cross_entropy":
        outputs = torch.softmax(outputs, dim=1)
    result = score(task, outputs.double().numpy(), seed=seed, seconds=seconds)
    samples = epochs * len(task.train(seed, 0))
    speed = {"samples": samples, "us_per_step": seconds / samples * 1e6, "diverged_at_step": None}
    return row(result, TORCH, n_hidden=settings.hidden, **speed)


def _train(
    net: TorchNet, task: Task, settings: Match, epochs: int, seed: int, on_epoch: Callable[[int], None] | None
) -> tuple[float, Any]:
    """Return the seconds that training took, and the activity at its end."""
    torch, delay, window = net.torch, task.target_delay, settings.window
    steps = epochs * math.ceil(len(task.train(seed, 0)) / window)
    optimizer = torch.optim.Adam(net.parameters, settings.lr_bptt)
    seconds, done, x = 0.0, 0, torch.zeros((1, settings.hidden), dtype=net.dtype)
    for epoch in range(epochs):
        stream = task.train(seed, epoch)
        u, known = net.tensor(stream.inputs), shift_targets(stream.targets, delay)[delay:]
        started = time.perf_counter()
        present = torch.as_tensor(~np.isnan(known).any(axis=1))
        y = net.tensor(np.nan_to_num(known))
        x = torch.zeros_like(x)
        for first in range(0, len(known), window):
            rows = slice(first, first + window)
            outputs, x = net.forward(u[rows][: len(y[rows])], x)
            x = x.detach()
            if not present[rows].any():
                continue
            if task.loss == "squared_error":
                losses = ((outputs - y[rows]) ** 2).sum(dim=1)
            else:
                losses = -(y[rows] * torch.log_softmax(outputs, dim=1)).sum(dim=1)
            optimizer.zero_grad()
            losses[present[rows]].sum().backward()
            torch.nn.utils.clip_grad_norm_(net.parameters, MAX_NORM)
            if not settings.endless:
                share = 0.5 * (1.0 + math.cos(math.pi * min(done, steps) / steps))
                optimizer.param_groups[0]["lr"] = settings.lr_bptt * share
            optimizer.step()
            done += 1
        with torch.no_grad():
            x = net.forward(u[len(known) :], x)[1] if delay else x
        seconds += time.perf_counter() - started
        if on_epoch is not None:
            on_epoch((epoch + 1) * len(stream))
    return seconds, x
