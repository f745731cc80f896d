"""Run a network of timm in a process of its own: `python timm_forward.py FOLDER`.

Libraries of PyTorch's for GPUs and TensorFlow's can crash a process that has both, so
this file imports nothing of this package. FOLDER holds network.json, the `name` and
`options` of `timm.create_model`; weights.npz; images.npy, float32 [n, channels, h, w].
Features, [n, f], go to features.npy.
"""

import json
import pathlib
import sys


def main(folder: pathlib.Path) -> None:
    """Write the features of the images."""
    import numpy as np
    import timm
    import torch

    asked = json.loads((folder / "network.json").read_text())
    network = timm.create_model(asked["name"], **asked["options"]).eval()
    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
        weights = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    # A MobileNetV3's conv_head belongs to its classifier, and is not there.
    missing, unknown = network.load_state_dict(weights, strict=False)
    if unknown or [name for name in missing if not name.startswith("conv_head.")]:
        raise SystemExit(f"timm has other weights: {missing[:3]}, {unknown[:3]}")
    with torch.no_grad():
        images = torch.from_numpy(np.load(folder / "images.npy"))
        features = _pooled(network, network.forward_features(images))
    np.save(folder / "features.npy", features.numpy())


def _pooled(network, maps):
    if hasattr(network, "stages"):  # a ConvNeXt normalises behind its pooling
        return network.forward_head(maps, pre_logits=True)
    return maps.mean((2, 3))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
