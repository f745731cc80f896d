"""ReSSL's training step in plain float64 NumPy, backward pass by hand.

The encoder: normalise - linear - batch norm - ReLU - linear - ReLU - linear. Written
from the paper's algorithm, not from the package.
"""

import numpy as np

EPSILON = 1e-5


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def forward(p, x):
    h = x @ p["w1"]
    mean, var = h.mean(0), h.var(0)
    normal = (h - mean) / np.sqrt(var + EPSILON)
    r1 = np.maximum(p["gamma"] * normal + p["beta"], 0)
    h2 = r1 @ p["w2"] + p["b2"]
    r2 = np.maximum(h2, 0)
    z = r2 @ p["w3"] + p["b3"]
    length = np.linalg.norm(z, axis=1, keepdims=True)
    cache = {"x": x, "var": var, "normal": normal, "r1": r1, "r2": r2}
    cache["length"] = length
    unbiased = var * len(x) / (len(x) - 1)
    return z / length, (mean, unbiased), cache


def backward(p, q, c, dq):
    dz = (dq - q * (q * dq).sum(1, keepdims=True)) / c["length"]
    g = {"w3": c["r2"].T @ dz, "b3": dz.sum(0)}
    dh2 = dz @ p["w3"].T * (c["r2"] > 0)
    g |= {"w2": c["r1"].T @ dh2, "b2": dh2.sum(0)}
    da = dh2 @ p["w2"].T * (c["r1"] > 0)
    g |= {"gamma": (da * c["normal"]).sum(0), "beta": da.sum(0)}
    dn = da * p["gamma"]
    dh = dn - dn.mean(0) - c["normal"] * (dn * c["normal"]).mean(0)
    g["w1"] = c["x"].T @ (dh / np.sqrt(c["var"] + EPSILON))
    return g


class Reference:
    """State and step of ReSSL; `online` and `target` are dicts of parameters."""

    def __init__(self, params, queue, *, momentum, tau_s, tau_t, decay, schedule):
        self.online = {k: v.astype(np.float64) for k, v in params.items()}
        self.target = {k: v.copy() for k, v in self.online.items()}
        self.velocity = {k: np.zeros_like(v) for k, v in self.online.items()}
        width = len(params["gamma"])
        self.moving = {
            net: [np.zeros(width), np.ones(width)] for net in ("online", "target")
        }
        self.queue, self.oldest, self.count = queue.astype(np.float64), 0, 0
        self.momentum, self.tau_s, self.tau_t = momentum, tau_s, tau_t
        self.decay, self.schedule = decay, schedule

    def move(self, net, statistics):
        self.moving[net] = [
            0.9 * old + 0.1 * new
            for old, new in zip(self.moving[net], statistics, strict=True)
        ]

    def step(self, strong, weak):
        m = self.momentum
        for k in self.target:
            self.target[k] = m * self.target[k] + (1 - m) * self.online[k]
        keys, statistics, _ = forward(self.target, weak)
        self.move("target", statistics)
        q, statistics, cache = forward(self.online, strong)
        self.move("online", statistics)
        teacher = softmax(keys @ self.queue.T / self.tau_t)
        student = softmax(q @ self.queue.T / self.tau_s)
        loss = -(teacher * np.log(student)).sum(1).mean()
        dq = (student - teacher) @ self.queue / (self.tau_s * len(q))
        lr = self.schedule(self.count)
        for k, gradient in backward(self.online, q, cache, dq).items():
            decay = self.decay(self.online[k])
            self.velocity[k] = 0.9 * self.velocity[k] + gradient + decay
            self.online[k] = self.online[k] - lr * self.velocity[k]
        for key in keys:  # one at a time: what "first in, first out" says
            self.queue[self.oldest] = key
            self.oldest = (self.oldest + 1) % len(self.queue)
        self.count += 1
        return loss
