"""The rules that carry credit through time by themselves, in plain loops: windowed NP and learned feedback.

From the equations of their docstrings; nothing is forgotten, no kernel is imported.
"""

import numpy as np

from naive import HIDDEN, Naive


class NaiveWindowed(Naive):
    """Node perturbation with the reward to go, applied ``window - 1`` steps late."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self.resync = self.rule.window
        self.deltas = {}

    def hidden_changes(self, tagged, deltas, taught):
        window = self.rule.window
        self.deltas |= {(tagged, *lane): delta for lane, delta in deltas.items()}
        changes = {name: np.zeros(self.W[name].shape) for name in HIDDEN}
        q = tagged - (window - 1)
        if q < 0:
            return changes
        end = (q // window + 1) * window  # of the window of step q
        for stream, k in self.traces:
            to_go = sum(self.deltas.get((t, stream, k), 0.0) for t in range(q, end))
            taken = self.per_loss(self.past[q][stream], k, False)
            for name in HIDDEN:
                changes[name] += self.rule.lr_hidden * self.rate_factor() * to_go * taken[name] / len(self.traces)
        return changes


class NaiveFeedback(Naive):
    """Impulse responses learnt from the noise; ``F[tau]`` has a row for each output and a column for each neuron."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self.F = np.zeros((self.rule.lags, self.m, self.n))
        self.errors = {}  # by (step, stream)
        self.mean_strength, self.mean_distance, self.mean_alone = 0.0, 0.0, 0.0
        self.first_push = 0  # pushes before this step are forgotten

    def push(self, t, stream, k):
        """Return what the noise of step `t` did to each activity of a copy."""
        if t < self.first_push:
            return np.zeros(self.n)
        record = self.past[t][stream]
        return record["slope"] * record["copies"][k]["xi"]

    def identify(self):
        """NLMS from all noisy copies at once, averaged."""
        rule, tick = self.rule, len(self.past) - 1
        change = np.zeros(self.F.shape)
        for stream, k in self.traces:
            pushes = [self.push(tick - tau, stream, k) for tau in range(rule.lags)]
            clean, noisy = (self.past[tick][stream]["copies"][copy]["y"] for copy in (0, k))
            residual = (noisy - clean) - sum(self.F[tau] @ pushes[tau] for tau in range(rule.lags))
            power = sum(push @ push for push in pushes) + 1e-6 * self.n * rule.lags * rule.sigma**2
            for tau in range(rule.lags):
                change[tau] += rule.lr_response * np.outer(residual, pushes[tau]) / power
        self.F = self.F + change / len(self.traces)

    def hidden_changes(self, tagged, deltas, taught):
        for stream, target in taught.items():
            self.errors[tagged, stream] = self.error(self.whole_readout() @ self.what_is_read(tagged, stream), target)
        self.identify()
        share = self.share_lost()
        lags, q = self.rule.lags, tagged - (self.rule.lags - 1)
        changes = {name: np.zeros(self.W[name].shape) for name in HIDDEN}
        for stream in range(self.streams if q >= 0 else 0):
            record = self.past[q][stream]
            asked = [self.F[tau].T @ self.errors.get((q + tau, stream), np.zeros(self.m)) for tau in range(lags)]
            signal = record["slope"] * sum(asked)
            strength = sum(np.sum((record["slope"] * self.F[tau]) ** 2) for tau in range(lags))
            norm = 1 + record["pre"] @ record["read"] + record["u"] @ record["u"] + self.one**2
            rate = self.rule.lr_hidden * self.rate_factor() / (norm * (1 + max(strength, self.mean_strength)))
            self.mean_strength += 1e-3 / self.streams * (strength - self.mean_strength)
            changes["A"] += rate * np.outer(signal, record["u"]) / self.streams
            changes["R"] += rate * np.outer(signal, record["pre"]) / self.streams
            changes["b"] += rate * self.one * signal / self.streams
        if taught and q >= 0:
            changes["R"] += share * self.W["R"]
        return changes

    def share_lost(self):
        """Return what R loses because the noisy copies have strayed."""
        rule = self.rule
        distances = [np.sum((copies[k] - copies[0]) ** 2) for copies in self.x for k in range(1, len(copies))]
        memory = 1 / (self.leak * (2 - self.leak))
        alone = [np.sum(record["slope"] ** 2 * memory) for record in self.past[-1]]
        self.mean_distance += 1e-3 * (np.mean(distances) / rule.sigma**2 - self.mean_distance)
        self.mean_alone += 1e-3 * (np.mean(alone) - self.mean_alone)
        excess = max(0, 1 - rule.stray * self.mean_alone / max(self.mean_distance, 1e-9))
        return rule.contraction * self.rate_factor() * excess

    def strayed(self):
        bound = 100 * self.n * self.rule.sigma**2
        return any(np.sum((x - copies[0]) ** 2) > bound for copies in self.x for x in copies)

    def set_back(self):
        super().set_back()
        self.first_push = len(self.past)


def naive_of(rule):
    """Return the class that has the rule's loops."""
    return {"WindowedNP": NaiveWindowed, "LearnedFeedback": NaiveFeedback}.get(type(rule).__name__, Naive)
