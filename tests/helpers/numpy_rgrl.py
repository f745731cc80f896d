"""RGRL in dense NumPy, float64, from the paper's formulas: matrices nodes x nodes."""

import numpy as np

BN_EPSILON, BN_MOMENTUM = 1e-5, 0.99


def adjacency(edges, nodes):
    """Return the matrix A with A[i, j] = 1 where an edge goes from j to i."""
    matrix = np.zeros((nodes, nodes))
    for source, target in edges:
        matrix[target, source] = 1
    return matrix


def normalized(matrix):
    """Return D^-1/2 (A + I) D^-1/2 with D the row sums."""
    looped = matrix + np.eye(len(matrix))
    root = np.diag(looped.sum(axis=1) ** -0.5)
    return root @ looped @ root


def diffusion(matrix, terms=400):
    """Return PPR as a power series: 0.15 sum_k 0.85^k T^k."""
    transition, power = normalized(matrix), np.eye(len(matrix))
    total = np.zeros_like(power)
    for _ in range(terms):
        total += 0.15 * power
        power = 0.85 * power @ transition
    return total


def prelu(x, slope):
    return np.where(x > 0, x, slope * x)


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def encode(weights, features, matrix):
    """Encode by layers of (kernel, bias), (gamma, beta, mean, variance), (slope).

    The weights come as Keras lists them.
    Returns the embeddings on batch statistics, and the weights with moved statistics.
    """
    transition, x, moved = normalized(matrix), features, []
    nodes = len(features)
    for start in range(0, len(weights), 7):
        kernel, bias, gamma, beta, mean, variance, slope = weights[start : start + 7]
        x = transition @ (x @ kernel) + bias
        now, spread = x.mean(axis=0), x.var(axis=0)
        x = gamma * (x - now) / np.sqrt(spread + BN_EPSILON) + beta
        x = prelu(x, slope)
        mean = BN_MOMENTUM * mean + (1 - BN_MOMENTUM) * now
        spread = spread * nodes / (nodes - 1)
        variance = BN_MOMENTUM * variance + (1 - BN_MOMENTUM) * spread
        moved += [kernel, bias, gamma, beta, mean, variance, slope]
    return x, moved


def predict(weights, x):
    kernel1, bias1, slope, kernel2, bias2 = weights
    return prelu(x @ kernel1 + bias1, slope) @ kernel2 + bias2


def divergence(teacher, student):
    """Return the KL divergence of each row."""
    log_p, log_q = log_softmax(teacher), log_softmax(student)
    return (np.exp(log_p) * (log_p - log_q)).sum(axis=-1)


def losses(online, predictor, target, views, anchors, near, options):
    """Return the global and the local term; `views` are two (features, adjacency).

    The clean degrees are not needed: nodes without any have no near node but
    themselves.
    """
    z = [unit(predict(predictor, encode(online, *view)[0])) for view in views]
    h = [unit(encode(target, *view)[0]) for view in views]
    wide, close = 0.0, 0.0
    for student, teacher in ((0, 1), (1, 0)):
        seen = h[teacher] @ h[teacher][anchors].T / options["teacher_temp"]
        learned = z[student] @ h[teacher][anchors].T / 0.1
        wide += divergence(seen, learned).mean()
        rows = []
        for node, others in enumerate(near):
            if set(others) == {node}:
                continue
            around = h[teacher][others]
            seen = around @ h[teacher][node] / options["local_teacher_temp"]
            learned = around @ z[student][node] / 0.1
            rows.append(divergence(seen, learned))
        close += np.mean(rows)
    return wide, options["local_weight"] * close
