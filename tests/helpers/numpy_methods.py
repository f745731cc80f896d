"""One training step of every method in plain float64 NumPy, gradients by differences.

Written from the papers' formulas, not from the package. A network is a list of layers,
its parameters a flat list in the same order; a loss is a function of those parameters
in which everything under a stop-gradient is computed before and stays.
"""

import numpy as np

BACKBONE = ["matrix", "norm", "relu"]
PLAIN = ["affine", "relu", "affine"]
NORMED = ["affine", "norm", "relu", "matrix"]

# The views in the order in which they pass the online network and the target, as the
# methods' codes have it: running statistics depend on it.
PASSES = {
    "ressl": (["strong"], ["weak"]),
    "ressl_multicrop": (["a", "b"], ["weak"]),
    "ressl_plus": (["strong"], ["weak"]),
    "mocov2": (["query"], ["key"]),
    "reco": (["query", "mixed"], ["key", "weak"]),
    "byol": (["strong1", "strong2"], ["strong2", "strong1"]),
    "rsa": (["strong1", "strong2"], ["weak1", "weak2"]),
}


def embed(layers, params, images, seen=None):
    """Return unit embeddings [n, d] of flat normalised images [n, inputs].

    What batch normalisation gets is appended to the list `seen`, where one is given.
    """
    rest, x = iter(params), images
    for layer in layers:
        if layer == "relu":
            x = np.maximum(x, 0)
        elif layer == "norm":
            if seen is not None:
                seen.append(x)
            x = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
            x = x * next(rest) + next(rest)
        else:
            x = x @ next(rest)
            x = x + next(rest) if layer == "affine" else x
    assert next(rest, None) is None
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def log_softmax(x):
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def relational(q, k, queue, tau_s=0.1, tau_t=0.04):
    teacher = np.exp(log_softmax(k @ queue.T / tau_t))
    return -(teacher * log_softmax(q @ queue.T / tau_s)).sum(1).mean()


def contrast(q, k, queue, temperature=0.2):
    rows = [
        log_softmax(np.concatenate([[own @ key], queue @ own])[None] / temperature)
        for own, key in zip(q, k, strict=True)
    ]
    return -np.mean([row[0, 0] for row in rows])


def distance(a, b):
    return ((a - b) ** 2).sum(1).mean()


def cosine(t, total):
    return (np.cos(np.pi * t / total) + 1) / 2


# Each returns the loss terms. `p(view)` depends on the parameters, `fixed(view)` is the
# same under a stop-gradient, `z(view)` the target's, `o` numbers and drawn values.


def ressl(p, fixed, z, queues, o):
    return {"relation": relational(p("strong"), z("weak"), queues[0])}


def ressl_multicrop(p, fixed, z, queues, o):
    crops = [v for v in o["views"] if v != "weak"]
    return {
        "relation": np.mean([relational(p(v), z("weak"), queues[0]) for v in crops])
    }


def ressl_plus(p, fixed, z, queues, o):
    w = o["infonce_weight"]
    q, k = p("strong"), z("weak")
    return {
        "infonce": w * contrast(q, k, queues[0]),
        "relation": (1 - w) * relational(q, k, queues[0]),
    }


def mocov2(p, fixed, z, queues, o):
    return {"infonce": contrast(p("query"), z("key"), queues[0])}


def reco(p, fixed, z, queues, o):
    q, k, r = p("query"), z("key"), o["fraction"]
    own = k if o.get("mixed_target") == "key" else fixed("query")
    between = r * own + (1 - r) * k[o["partner"]]
    between = between / np.linalg.norm(between, axis=1, keepdims=True)
    return {
        "infonce": contrast(q, k, queues[0]),
        "global": o["lambda1"] * relational(q, z("weak"), queues[1]),
        "local": o["lambda2"] * contrast(p("mixed"), between, queues[0]),
    }


def byol(p, fixed, z, queues, o):
    first = distance(p("strong1"), z("strong2"))
    return {"prediction": first + distance(p("strong2"), z("strong1"))}


def rsa(p, fixed, z, queues, o):
    beta = o["beta0"] * cosine(o["step"] + 1, o["total"])
    strong = distance(p("strong1"), fixed("strong2"))
    strong += distance(p("strong2"), fixed("strong1"))
    weak = distance(p("strong1"), z("weak2")) + distance(p("strong2"), z("weak1"))
    return {"aggressive": beta * strong, "weak": (1 - beta) * weak}


def differences(function, params, step=1e-6):
    """Return central differences of a scalar function of a list of arrays."""
    gradients = [np.zeros_like(p) for p in params]
    for p, gradient in zip(params, gradients, strict=True):
        for index in np.ndindex(p.shape):
            kept = p[index]
            p[index] = kept + step
            above = function(params)
            p[index] = kept - step
            gradient[index] = (above - function(params)) / (2 * step)
            p[index] = kept
    return gradients


def step(method, online, predictor, target, params, views, queues, momentum, o):
    """Return loss terms, gradients, the new target, and the target's embeddings.

    Args:
        method: one of the functions above.
        online: layers of encoder and projector.
        predictor: the layers behind them.
        target: parameters of the target before the step.
        params: of the online network and predictor; the first belong to `target`.
        views: images of each view, flat and normalised.
        queues: keys of each queue before the step.
        momentum: of the target's average.
        o: options of the method, and what it drew in this step.
    """
    target = [
        momentum * old + (1 - momentum) * new
        for old, new in zip(target, params[: len(target)], strict=True)
    ]
    start = [p.copy() for p in params]

    def terms(params):
        return method(
            lambda view: embed(online + predictor, params, views[view]),
            lambda view: embed(online + predictor, start, views[view]),
            lambda view: embed(online, target, views[view]),
            queues,
            {**o, "views": views},
        )

    gradients = differences(lambda p: sum(terms(p).values()), params)
    keys = {view: embed(online, target, x) for view, x in views.items()}
    return terms(start), gradients, target, keys


def running_statistics(layers, params, before, images, momentum=0.9):
    """Return running statistics after batches have passed, one after another.

    Args:
        layers: of the network.
        params: of the network.
        before: mean and (unbiased) variance of each batch normalisation in turn.
        images: batches, in the order in which they pass.
        momentum: of the statistics before.
    """
    moved = [value.copy() for value in before]
    for batch in images:
        seen = []
        embed(layers, params, batch, seen)
        now = [value for x in seen for value in (x.mean(0), x.var(0, ddof=1))]
        moved = [
            momentum * old + (1 - momentum) * new
            for old, new in zip(moved, now, strict=True)
        ]
    return moved


def first_in_first_out(queue, position, keys):
    queue = queue.copy()
    for key in keys:
        queue[position] = key
        position = (position + 1) % len(queue)
    return queue
