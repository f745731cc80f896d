"""State dicts of vision transformers as timm writes them, and a NumPy forward pass.

Every number of a state dict matters. Images are [n, channels, h, w] as in PyTorch.
"""

import math

import numpy as np

DEPTH, HEAD_DIM = 12, 64


def vit(dim=64, patch=4, side=3, pooling="token", seed=0, depth=DEPTH):
    """Return a ViT's weights for images of side * patch pixels."""
    generator = np.random.default_rng(seed)
    extra = int(pooling != "mean")
    last = "fc_norm" if pooling == "mean_norm" else "norm"
    shapes = {
        "pos_embed": (1, side**2 + extra, dim),
        "patch_embed.proj.weight": (dim, 3, patch, patch),
        "patch_embed.proj.bias": (dim,),
        f"{last}.weight": (dim,),
        f"{last}.bias": (dim,),
    }
    if extra:
        shapes["cls_token"] = (1, 1, dim)
    for index in range(depth):
        block = {
            **{
                f"norm{n}.{leaf}": (dim,) for n in (1, 2) for leaf in ("weight", "bias")
            },
            "attn.qkv.weight": (3 * dim, dim),
            "attn.qkv.bias": (3 * dim,),
            "attn.proj.weight": (dim, dim),
            "attn.proj.bias": (dim,),
            "mlp.fc1.weight": (4 * dim, dim),
            "mlp.fc1.bias": (4 * dim,),
            "mlp.fc2.weight": (dim, 4 * dim),
            "mlp.fc2.bias": (dim,),
        }
        shapes |= {f"blocks.{index}.{name}": shape for name, shape in block.items()}
    state = {}
    for name, shape in shapes.items():
        scale = 1 / math.sqrt(shape[-1]) if len(shape) == 2 else 0.3
        array = scale * generator.normal(size=shape)
        array += "norm" in name and name.endswith("weight")
        state[name] = array.astype("float32")
    return state


def vit_forward(state, images, pooling="token"):
    """Return the features of a state dict; `images` are normalised."""
    weight = state["patch_embed.proj.weight"].astype("float64")
    dim, _, patch, _ = weight.shape
    n, channels, height, width = images.shape
    cut = images.reshape(n, channels, height // patch, patch, width // patch, patch)
    x = np.einsum("ncyixj,dcij->nyxd", cut, weight).reshape(n, -1, dim)
    x = x + state.get("patch_embed.proj.bias", 0)
    if "cls_token" in state:
        token = np.broadcast_to(state["cls_token"], (n, 1, dim))
        x = np.concatenate([token, x], axis=1)
    x = x + state["pos_embed"]
    for index in range(len({k.split(".")[1] for k in state if "blocks." in k})):
        x = block(state, f"blocks.{index}.", x)
    if pooling == "mean_norm":
        return norm(state, "fc_norm", x[:, 1:].mean(1))
    x = norm(state, "norm", x)
    return x[:, 0] if pooling == "token" else x.mean(1)


def block(state, prefix, x):
    def linear(name, x):
        bias = state.get(f"{prefix}{name}.bias", 0)
        return x @ state[f"{prefix}{name}.weight"].T + bias

    n, tokens, dim = x.shape
    qkv = linear("attn.qkv", norm(state, f"{prefix}norm1", x))
    qkv = qkv.reshape(n, tokens, 3, dim // HEAD_DIM, HEAD_DIM)
    q, k, v = np.moveaxis(qkv, 2, 0)  # [n, tokens, heads, 64]
    scores = np.einsum("nqhc,nkhc->nhqk", q, k) / math.sqrt(HEAD_DIM)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    scores /= scores.sum(-1, keepdims=True)
    mixed = np.einsum("nhqk,nkhc->nqhc", scores, v).reshape(n, tokens, dim)
    x = x + linear("attn.proj", mixed)
    y = linear("mlp.fc1", norm(state, f"{prefix}norm2", x))
    y = y * (1 + np.vectorize(math.erf)(y / math.sqrt(2))) / 2
    return x + linear("mlp.fc2", y)


def norm(state, name, x):
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
    return x * state[f"{name}.weight"] + state[f"{name}.bias"]
