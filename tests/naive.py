"""The loops as they are printed, in plain Python: one network, its noisy copies, the paper's rules, and the readouts.

Fernandez, Keemink and van Gerven 2024, doi:10.3389/fnins.2024.1439155, equations 1 to 6 as corrected in
``docs/rules.md``; what is not in the paper follows the docstrings. Everything is float64, every past step is kept, D is
updated at once and in O(n^3). No kernel is imported: a spec is told by the name of its type, and the noise is a
function that the test hands in. The rules that carry credit through time by themselves are in ``naive_credit.py``.
"""

import math

import numpy as np

NODE_HIDDEN, NODE_READOUT, SYNAPSE_RECURRENT, SYNAPSE_INPUT, SYNAPSE_READOUT = range(5)
HIDDEN, READOUT = "ARb", "BEc"
GOES_WITH = {"b": "A", "c": "B", "E": "B"}  # what is frozen with what


def name_of(part):
    return type(part).__name__


def squared_error(y, target):
    return sum((y[k] - target[k]) ** 2 for k in range(len(y)))


def softmax_cross_entropy(y, target):
    log_sum = max(y) + math.log(sum(math.exp(v - max(y)) for v in y))
    return sum(target[k] * (log_sum - y[k]) for k in range(len(y)))


def softmax_error(y, target):
    weights = [math.exp(v - max(y)) for v in y]
    return np.array([sum(target) * w / sum(weights) - t for w, t in zip(weights, target, strict=True)])


LOSSES = {"SquaredError": squared_error, "SoftmaxCrossEntropy": softmax_cross_entropy}
ERRORS = {"SquaredError": lambda y, target: y - target, "SoftmaxCrossEntropy": softmax_error}


def leaks(cell, n):
    if name_of(cell) == "LeakSpectrum":
        return np.array([cell.slowest ** (1 - i / (n - 1) if n > 1 else 1) for i in range(n)])
    return np.full(n, getattr(cell, "alpha", 1.0))


def factor_of(schedule, t):
    """Return what the learning rates of step `t` are multiplied with."""
    if name_of(schedule) == "Cosine":
        fall = (1 + math.cos(math.pi * t / schedule.steps)) / 2 if t < schedule.steps else 0
        return schedule.floor + (1 - schedule.floor) * fall
    return 1 / (1 + t / schedule.steps) if name_of(schedule) == "InverseTime" else 1.0


class Naive:
    """S streams with one clean and K noisy copies each; `noise(tick, stream, copy, domain, site)` has variance 1.

    Neuron i is site i of its domain. The site of a synapse is (row, column) of R, of [A b] transposed or of [B E c].
    """

    def __init__(
        self,
        weights,
        rule,
        cell,
        loss,
        decorrelation,
        noise,
        *,
        readout=None,
        direct=False,
        schedule=None,
        trace=0.0,
        frozen=(),
        resync=0,
        target_delay=0,
        bias=True,
        streams=1,
        replicas=1,
    ):
        self.n, self.d = np.shape(weights["A"])
        self.m = len(weights["B"])
        self.linked = self.d if direct else 0
        self.W = {"E": np.zeros((self.m, self.linked))}
        self.W |= {name: np.array(w, dtype=np.float64) for name, w in weights.items()}
        self.rule, self.noise, self.kind = rule, noise, name_of(rule)
        self.leak = leaks(cell, self.n)
        self.loss, self.error = LOSSES[name_of(loss)], ERRORS[name_of(loss)]
        self.decorrelation = decorrelation if hasattr(decorrelation, "rate") else None
        self.whitens = name_of(decorrelation) == "Whitening"
        self.readout, self.schedule, self.trace, self.frozen = readout, schedule, trace, frozen
        self.perturbs_outputs = name_of(readout) not in ("NLMS", "RLS")
        self.resync, self.target_delay, self.one = resync, target_delay, float(bias)
        self.streams, self.replicas = streams, replicas
        self.D = np.eye(self.n)
        size = self.n + self.linked + 1
        self.P = np.eye(size) / readout.ridge if name_of(readout) == "RLS" else None
        copies = range(replicas + 1)
        self.x = [[np.zeros(self.n) for _ in copies] for _ in range(streams)]
        self.read = [[np.zeros(self.n) for _ in copies] for _ in range(streams)]  # what R reads
        self.pre = [np.zeros(self.n) for _ in range(streams)]  # what R learns with
        self.s = [np.zeros(self.n) for _ in range(streams)]
        self.traces = {(stream, k): {} for stream in range(streams) for k in range(1, replicas + 1)}
        self.past = []
        self.guarded_hidden, self.guarded_readout = 0, 0

    def weights(self):
        named = {name: weight for name, weight in self.W.items() if weight.size}
        return named | ({"D": self.D} if self.decorrelation else {})

    def node_noise(self, tick, stream, copy):
        """Draw xi and nu of one copy; weight perturbation has none, and the clean copy only if both are noisy."""
        noisy = copy > 0 or getattr(self.rule, "both_noisy", False)
        if self.kind == "WP" or not noisy:
            return np.zeros(self.n), np.zeros(self.m)
        sigma = self.rule.sigma
        if getattr(self.rule, "antithetic", False) and copy % 2 == 0:
            copy, sigma = copy - 1, -sigma
        xi = [sigma * self.noise(tick, stream, copy, NODE_HIDDEN, i) for i in range(self.n)]
        nu = [sigma * self.noise(tick, stream, copy, NODE_READOUT, k) for k in range(self.m)]
        return np.array(xi), np.array(nu) * self.perturbs_outputs

    def synapse_noise(self, tick, stream, copy):
        """Draw the perturbation of every weight as one copy sees it."""
        xi = {name: np.zeros(self.W[name].shape) for name in HIDDEN + READOUT}
        if self.kind != "WP" or copy == 0:
            return xi
        n, d = self.n, self.d

        def draw(domain, site):
            return self.rule.sigma * self.noise(tick, stream, copy, domain, site)

        for i in range(n):
            xi["R"][i] = [draw(SYNAPSE_RECURRENT, (i, j)) for j in range(n)]
            xi["A"][i] = [draw(SYNAPSE_INPUT, (j, i)) for j in range(d)]
            if self.one:
                xi["b"][i] = draw(SYNAPSE_INPUT, (d, i))
        for k in range(self.m if self.perturbs_outputs else 0):
            row = [draw(SYNAPSE_READOUT, (k, j)) for j in range(n + self.linked + 1)]
            xi["B"][k], xi["E"][k] = row[:n], row[n:-1]
            if self.one:
                xi["c"][k] = row[-1]
        return xi

    def step(self, inputs, targets):
        """Predict from `inputs` (S, d), then learn from `targets` (S, m); return outputs, losses and noisy losses."""
        tick = len(self.past)
        self.past.append([self.advance(tick, stream, inputs[stream]) for stream in range(self.streams)])
        tagged = tick - self.target_delay
        losses, noisy_losses = [math.nan] * self.streams, [math.nan] * self.streams
        deltas, taught = {}, {}  # loss differences of each noisy copy, and targets, by stream
        for stream in range(self.streams):
            if tagged < 0 or np.isnan(targets[stream]).any():
                continue
            clean, *noisy = [self.loss(copy["y"], targets[stream]) for copy in self.past[tagged][stream]["copies"]]
            losses[stream], noisy_losses[stream] = clean, sum(noisy) / self.replicas
            deltas |= {(stream, k + 1): noisy[k] - clean for k in range(self.replicas)}
            taught[stream] = targets[stream]
        if tagged >= 0:
            self.trace_step(tagged, taught)
        changes = self.hidden_changes(tagged, deltas, taught) | self.readout_changes(tagged, deltas, taught)
        for name, change in changes.items():
            if GOES_WITH.get(name, name) not in self.frozen:
                self.W[name] = self.W[name] - change
        if taught and self.decorrelation and "D" not in self.frozen:
            self.decorrelate(factor_of(self.schedule, tick))
        if (self.resync and (tick + 1) % self.resync == 0) or self.strayed():
            self.set_back()
        outputs = [record["copies"][0]["y"] for record in self.past[tick]]
        return outputs, losses, noisy_losses

    def advance(self, tick, stream, u):
        """One step of all copies of one stream; return all there is to know about it."""
        W, one, spec = self.W, self.one, self.decorrelation
        record = {"u": u, "pre": self.pre[stream], "read": self.read[stream][0], "copies": []}
        for k in range(self.replicas + 1):
            xi, nu = self.node_noise(tick, stream, k)
            dW = self.synapse_noise(tick, stream, k)
            a = (W["A"] + dW["A"]) @ u + (W["R"] + dW["R"]) @ self.read[stream][k] + one * (W["b"] + dW["b"]) + xi
            h = np.array([math.tanh(v) for v in a])
            x = (1 - self.leak) * self.x[stream][k] + self.leak * h
            s = self.D @ x
            z = x if spec and not getattr(spec, "readout", True) else s
            y = (W["B"] + dW["B"]) @ z + (W["E"] + dW["E"]) @ u[: self.linked] + one * (W["c"] + dW["c"]) + nu
            inside = not self.whitens or spec.recurrent
            self.x[stream][k], self.read[stream][k] = x, s if inside else x
            if k == 0:
                self.s[stream] = s
                self.pre[stream] = s if inside else self.D.T @ s
                record["slope"] = self.leak * (1 - h * h)
            record["copies"].append({"a": a, "y": y, "z": z, "xi": xi, "nu": nu, "dW": dW})
        return record

    def strayed(self):
        """Tell whether a noisy copy is so far from the clean one that the rule sets it back."""
        return False

    def set_back(self):
        for x, read in zip(self.x, self.read, strict=True):
            x[:] = [x[0]] * len(x)
            read[:] = [read[0]] * len(read)

    def per_loss(self, record, k, counts):
        """Return what copy `k` of a past step takes from each weight per loss difference, by the rule's equation."""
        rule, clean, noisy = self.rule, record["copies"][0], record["copies"][k]
        if self.kind == "WP":  # eq. 5
            return {name: noisy["dW"][name] / rule.sigma**2 for name in HIDDEN + READOUT}
        if self.kind != "ANP":  # eq. 2
            hidden, readout = noisy["xi"] / rule.sigma**2, noisy["nu"] / rule.sigma**2
        else:  # eq. 3
            da, dy = noisy["a"] - clean["a"], noisy["y"] - clean["y"]
            power_hidden, power_readout = sum(v * v for v in da), sum(v * v for v in dy)
            floor_hidden, floor_readout = rule.floor * self.n * rule.sigma**2, rule.floor * self.m * rule.sigma**2
            self.guarded_hidden += counts and power_hidden < floor_hidden
            self.guarded_readout += counts and self.perturbs_outputs and power_readout < floor_readout
            hidden = self.n * da / max(power_hidden, floor_hidden)
            readout = self.m * dy / max(power_readout, floor_readout)
        return {
            "A": np.outer(hidden, record["u"]),
            "R": np.outer(hidden, record["pre"]),
            "b": self.one * hidden,
            "B": np.outer(readout, clean["z"]),
            "E": np.outer(readout, record["u"][: self.linked]),
            "c": self.one * readout,
        }

    def trace_step(self, tagged, taught):
        """Let what a step would teach per loss difference enter the traces; decay 0 keeps nothing of the past."""
        for (stream, k), trace in self.traces.items():
            fresh = self.per_loss(self.past[tagged][stream], k, stream in taught or self.trace > 0)
            trace |= {name: self.trace * trace.get(name, 0.0) + fresh[name] for name in fresh}

    def from_traces(self, names, rate, deltas):
        share = rate / len(deltas) if deltas else 0.0
        zero = {name: np.zeros(self.W[name].shape) for name in names}
        return {
            name: sum((share * delta * self.traces[lane][name] for lane, delta in deltas.items()), start=zero[name])
            for name in names
        }

    def rate_factor(self):
        return factor_of(self.schedule, len(self.past) - 1)

    def hidden_changes(self, tagged, deltas, taught):
        return self.from_traces(HIDDEN, self.rule.lr_hidden * self.rate_factor(), deltas)

    def readout_changes(self, tagged, deltas, taught):
        if self.perturbs_outputs:
            return self.from_traces(READOUT, self.rule.lr_readout * self.rate_factor(), deltas)
        B = before = self.whole_readout()
        lessons = [(self.what_is_read(tagged, stream), target) for stream, target in taught.items()]
        if name_of(self.readout) == "NLMS":
            rate = self.readout.rate * self.rate_factor()
            for z, target in lessons:
                B = B - rate * np.outer(self.error(before @ z, target), z) / (1 + z @ z) / len(lessons)
        else:
            for z, target in lessons if "B" not in self.frozen else []:
                B = self.least_squares(B, z, target)
        change = before - B
        return {"B": change[:, : self.n], "E": change[:, self.n : -1], "c": change[:, -1]}

    def whole_readout(self):
        return np.hstack([self.W["B"], self.W["E"], self.W["c"][:, None]])

    def what_is_read(self, tagged, stream):
        record = self.past[tagged][stream]
        return np.concatenate([record["copies"][0]["z"], record["u"][: self.linked], [self.one]])

    def least_squares(self, B, z, target):
        """Take a sample into P, and return the new B."""
        forgetting = self.readout.forgetting
        k = self.P @ z / (forgetting + z @ self.P @ z)
        P = self.P - np.outer(k, self.P @ z)
        grown = np.trace(P) / forgetting > len(z) / self.readout.ridge
        self.P = P if forgetting < 1 and grown else P / forgetting
        return B - np.outer(self.error(B @ z, target), k)

    def decorrelate(self, factor):
        """D <- D - eps (s s^T - diag(s^2)) D (eq. 6), or the whitening of it; averaged over the streams."""
        spec, D, change = self.decorrelation, self.D, 0.0
        for s in self.s:
            apart = np.outer(s, s) - np.diag(s * s)
            if self.whitens:
                rate = spec.rate / (1 + 10 * spec.rate * (s @ s))
                lengths = np.array([row @ row for row in D])
                excess = np.diag(s * s + spec.damping * lengths - 1)
                change = change + rate * ((1 - spec.kappa) * apart + spec.kappa * excess) @ D
            else:
                change = change + spec.rate * apart @ D
        self.D = D - factor * change / len(self.s)
