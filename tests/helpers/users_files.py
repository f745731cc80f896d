"""Files of a user that the guides name."""

import keras


def write_networks(folder):
    """Write the networks of a user's that pages name."""
    layers = "keras.Input((None, None, 3)), keras.layers.Conv2D(8, 3, 2)"
    code = f"import keras\n\n\ndef make():\n    return keras.Sequential([{layers}])\n"
    for name in ("nets.py", "package/module.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(code)
    network = [keras.Input((None, None, 3)), keras.layers.Conv2D(8, 3, 2)]
    keras.Sequential(network).save(folder / "pretrained.keras")


def write_lists(folder, photos):
    """Write the lists of a user's that pages name."""
    paths = sorted(photos.rglob("*.png"))
    rows = [f"{p},{p.parent.name};{int(p.stem) % 2},{p.parents[1].name}" for p in paths]
    (folder / "several.csv").write_text("\n".join(["path,labels,split", *rows]))
    (folder / "1percent.txt").write_text("red/0.png\nblue/0.png\nred/1.png\n")
