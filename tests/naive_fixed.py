"""A network of integers from docs/fixed-point.md, in plain loops on plain numbers.

`num` makes a number: int for the arithmetic itself, float for the same arithmetic carried by float64, whose every
intermediate result must stay a whole number below 2^53 for the two to agree. Nothing of the kernels is imported.
"""

import math

MASK = 2**64 - 1
NODE_HIDDEN, NODE_READOUT, ROUNDING = 0, 1, 7
TABLE = [min(math.floor(math.tanh(k / 32) * 32768 + 0.5), 32767) for k in range(257)]


def mix(z):
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def key(seed, tick, stream, copy, domain):
    return mix(mix(mix(seed) ^ tick) ^ (stream << 32 | copy << 8 | domain))


def site(base, index):
    return mix((base + index * 0x9E3779B97F4A7C15) & MASK)


def clamp(x, top):
    return max(-top, min(top, x))


class NaiveFixed:
    """One stream, one noisy copy, 16-bit formats: weights and inputs Q3.12, activities Q0.15, drives Q7.16."""

    def __init__(
        self,
        A,
        R,
        b,
        rule,
        lr,
        scale,
        *,
        seed,
        floor=0,
        variance=0,
        num=int,
        division=None,
        delay=0,
        register=None,
        leak=None,
    ):
        self.n, self.d = len(R), len(A[0])
        self.num, self.rule, self.scale, self.seed, self.floor, self.variance = num, rule, scale, seed, floor, variance
        self.power_of_two, self.delay = division == "power of two", delay
        self.A = [[num(v) for v in row] for row in A]
        self.R = [[num(v) for v in row] for row in R]
        self.b, self.B, self.c = [num(v) for v in b], [num(0)] * self.n, num(0)
        self.x = [[num(0)] * self.n, [num(0)] * self.n]
        self.tick, self.past, self.register, self.leak = 0, [], register, leak
        self.taught = self.updates = self.lost = 0
        # fractional bits of a signal: 2^4 times the rate just fits into 16 bits, and no shift passes 30 bits
        self.fraction = [math.floor(11 - math.log2(lr[0])), math.floor(11 - math.log2(lr[1]))]
        self.fraction = [min(f, 27) for f in self.fraction]
        self.rate = [round(lr[0] * self.n * 2 ** self.fraction[0]), round(lr[1] * 2 ** self.fraction[1])]

    def floor_div(self, x, bits):
        return x >> bits if self.num is int else math.floor(x / 2.0**bits) * 1.0

    def rounded(self, x, bits):
        return self.floor_div(x + self.num(2**bits // 2), bits)

    def tanh(self, a):
        size = abs(a)
        k = int(min(self.floor_div(size, 11), 255))
        part = min(size - k * 2**11, 2**11)
        value = min(TABLE[k] + self.rounded((TABLE[k + 1] - TABLE[k]) * part, 11), 32767)
        return value if a >= 0 else -value

    def noise(self, domain, index):
        if self.register:
            return self.rounded(self.num(self.word(domain, index) * self.scale), 24)
        bits = site(key(self.seed, self.tick, 0, 1, domain), index)
        parts = sum((bits >> shift) & 0xFFFF for shift in (0, 16, 32, 48))
        return self.rounded(self.num((parts - 131070) * self.scale), 24)

    def word(self, domain, index):
        """2 w - 2^stages of the noisy copy; a step takes `stride` words: those of the clean copy, then its own."""
        count, units = len(self.register), self.n + 1
        stride = next(k for k in range(2 * units, 4 * units) if math.gcd(k, count) == 1)
        first = (mix(self.seed) >> 1) % count
        position = first + self.tick * stride + units + (self.n if domain == NODE_READOUT else 0) + index
        return 2 * self.register[position % count] - count - 1

    def step(self, u, target):
        n, d = self.n, self.d
        inputs = [*(self.num(v) for v in u), self.num(4096)]
        columns = [[*self.A[i], self.b[i]] for i in range(n)]
        common = [
            clamp(self.rounded(sum(columns[i][j] * inputs[j] for j in range(d + 1)), 8), 2**23 - 1) for i in range(n)
        ]
        before = list(self.x[0])
        drives = []
        for copy in (0, 1):
            row = []
            for i in range(n):
                recurrent = sum(self.R[i][j] * self.x[copy][j] for j in range(n))
                recurrent = clamp(self.rounded(recurrent, 11), 2**23 - 1)
                xi = self.noise(NODE_HIDDEN, i) if copy else self.num(0)
                row.append(clamp(recurrent + common[i] + xi, 2**23 - 1))
            drives.append(row)
        outputs = []
        for copy in (0, 1):
            values = [self.tanh(a) for a in drives[copy]]
            if self.leak is not None:
                pairs = zip(values, self.x[copy], strict=True)
                values = [clamp(x + self.rounded((v - x) * self.leak, 15), 32767) for v, x in pairs]
            self.x[copy] = values
            total = sum(w * x for w, x in zip(self.B, self.x[copy], strict=True)) + self.c * 32767
            y = clamp(self.rounded(total, 11), 2**23 - 1)
            outputs.append(clamp(y + self.noise(NODE_READOUT, 0), 2**23 - 1) if copy else y)
        xi = [self.noise(NODE_HIDDEN, i) for i in range(n)] if self.rule == "NP" else None
        nu = self.noise(NODE_READOUT, 0)
        da = xi or [noisy - clean for noisy, clean in zip(drives[1], drives[0], strict=True)]
        dy = [nu] if self.rule == "NP" else [outputs[1] - outputs[0]]
        self.past.append((inputs, before, list(self.x[0]), da, dy, outputs))
        if target is not None and self.tick >= self.delay:
            self.learn(self.past[self.tick - self.delay], self.num(target))
        self.tick += 1
        return outputs[0]

    def gain(self, delta, rate, power, size):
        if self.rule == "NP":
            power = self.variance * size
        else:
            power = max(power, 1, (self.floor * size) >> 20)
        top = int(delta) * rate
        quotient = abs(top) >> (int(power).bit_length() - 1) if self.power_of_two else abs(top) // int(power)
        return self.num(min(quotient, 2**36 - 1) * (1 if top >= 0 else -1))

    def signal(self, gain, perturbation):
        return [clamp(self.rounded(gain * p, 16), 2**15 - 1) for p in perturbation]

    def learn(self, step, target):
        inputs, before, x, da, dy, (y, noisy) = step
        n, d = self.n, self.d
        delta = clamp((noisy - y) * ((noisy - target) + (y - target)), 2**38 - 1)
        out = self.signal(self.gain(delta, self.rate[1], sum(v * v for v in dy), 1), dy)[0]
        hidden = self.signal(self.gain(delta, self.rate[0], sum(v * v for v in da), n), da)
        base = key(self.seed, self.tick, 0, 0, ROUNDING)
        z = n + 1
        shift_R, shift_A, shift_B = self.fraction[0] + 3, self.fraction[0], self.fraction[1] + 3

        def word(index, bits):
            return site(base, index) >> (64 - bits) if bits else 0

        self.taught += 1
        turn = self.taught % (n + d + 2)  # the row that is counted: of R, then of A and b, then of B

        def changed(w, c, pre, row, column, bits):
            chance = self.num(word(row, bits) ^ word(column, bits))
            change = self.floor_div(c * pre + chance, bits)
            if row - (2 * n + z) == turn and c * pre != 0:
                self.updates, self.lost = self.updates + 1, self.lost + (change == 0)
            return clamp(w - change, 2**15 - 1)

        for j, pre in enumerate([*x, self.num(32767)]):
            row, column = 3 * n + z + d + 1, 2 * n + j
            if j < n:
                self.B[j] = changed(self.B[j], out, pre, row, column, shift_B)
            else:
                self.c = changed(self.c, out, pre, row, column, shift_B)
        for i in range(n):
            for j in range(d + 1):
                old = self.A[i][j] if j < d else self.b[i]
                new = changed(old, inputs[j], hidden[i], 3 * n + z + j, n + i, shift_A)
                if j < d:
                    self.A[i][j] = new
                else:
                    self.b[i] = new
            for j in range(n):
                self.R[i][j] = changed(self.R[i][j], hidden[i], before[j], 2 * n + z + i, j, shift_R)
