"""Model cards: the Markdown page beside an export.

A card says what the model is, how to load it, and what is not known about it.

Mitchell et al., Model Cards for Model Reporting (FAT* 2019).
"""

import json
import pathlib
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

import ressl_tf
from ressl_tf.config import Config
from ressl_tf.config.method_table import METHODS
from ressl_tf.config.normalizations import AUTO
from ressl_tf.config.unused_flags import unused
from ressl_tf.engine.workdir import read_rows
from ressl_tf.runtime import markdown
from ressl_tf.runtime.flags import free_fields
from ressl_tf.saving import model_card_loading as loading
from ressl_tf.saving.pretrained import Pretrained

CARD = "model_card.md"
TASKS = {"encoder": "image-feature-extraction", "classifier": "image-classification"}
NOT_KNOWN = "Not known: the source does not hold it."

LIMITS = """\
- Images are {kind} on 0..255; on 0..1 the features are of no use, and nothing warns.
- {sizes}
- Features carry what the training images hold, their bias too; evaluate them on your
  own data before you rely on them.
- In training mode, batch normalisation needs batches of more than a few images.
"""


def text(pretrained: Pretrained, export: Mapping[str, Any], name: str) -> str:
    """Return the card in Markdown.

    Args:
        pretrained: The source of the export.
        export: "format", "kind", "outputs" (name -> length), "feature_dim",
            "feature_maps" (name -> stride and channels, where there are any),
            "parameters", "image_size", "trained_image_size" and "weights_sha256"; of a
            file for another runtime what `converted.write` yields.
        name: Name of the exported folder or file.
    """
    of_run = pretrained.kind == "workdir"
    config = pretrained.config
    channels = pretrained.encoder.channels
    sections = {
        "What it is": _summary(pretrained, export),
        "Load it": loading.text(export, name, channels),
        **_feature_maps(export),
        **_converted(export),
        "Data": _data(pretrained),
        "Metrics": metrics(pretrained.path) if of_run else NOT_KNOWN,
        "Config": table(shown(config), ("flag", "value")),
        "Limits": LIMITS.format(kind=loading.kind_of(channels), sizes=_sizes(export)),
        "Versions": table(versions(), ("of", "version")),
        "Licence": "None has been chosen yet, for the weights or for ressl_tf.",
    }
    task = TASKS[export["kind"]]
    return page(name, sections, head(task, export["format"], config))


def head(task: str, file_format: str, config: Mapping[str, Any]) -> str:
    """Return the YAML that model hubs read, between lines of ---.

    The licence is for the owner of the photos to choose; it is not there.

    Args:
        task: The hub's name of what the model is for.
        file_format: of `ressl_tf.export`.
        config: Flags of the run.
    """
    library = "tensorflow" if file_format == "saved_model" else file_format
    method = [config["method"]] if config.get("method") in METHODS else []
    tags = [library, "self-supervised-learning", *method]
    lines = [f"library_name: {library}", f"pipeline_tag: {task}", "tags:"]
    return "\n".join(["---", *lines, *(f"- {tag}" for tag in tags), "---\n"])


def page(name: str, sections: Mapping[str, str], yaml: str) -> str:
    """Return a card with titled sections.

    Args:
        name: Name of the exported folder or file.
        sections: Title -> text in Markdown.
        yaml: What `head` returns.
    """
    texts = [f"## {title}\n\n{body.rstrip()}\n" for title, body in sections.items()]
    return "\n".join([yaml, f"# Model card: {name}\n", *texts])


def _summary(pretrained, export) -> str:
    config = pretrained.config
    kinds = {"encoder": "An image encoder", "classifier": "An image classifier"}
    facts = [kinds[export["kind"]], f"{export['parameters']:,} parameters"]
    facts += [f"{key} {config[key]}" for key in ("backbone", "method") if key in config]
    outputs = ", ".join(f"`{n}` [batch, {k}]" for n, k in export["outputs"].items())
    lines = [f"{', '.join(facts)}. It gives {outputs} (float32)."]
    if pretrained.classifier:
        names = map(markdown.plain, pretrained.classifier.label_names)
        lines.append(f"Classes, in order: {', '.join(names)}.")
    lines.append(f"SHA-256 of its weights: `{export['weights_sha256']}`.")
    return "\n\n".join(lines)


def _feature_maps(export) -> dict[str, str]:
    """Return the section on feature maps, where there are any."""
    maps = export.get("feature_maps")
    if not maps:
        return {}
    apart = export["format"] == "saved_model"
    how = 'model.pyramid(images)["C3"]' if apart else 'made["C3"]'
    how = how.replace("C3", list(maps)[-1])
    rows = [[name, *map(str, each.values())] for name, each in maps.items()]
    head = ("name", "stride in pixels", "channels")
    text = f"`{how}` is float32 [batch, h / stride, w / stride, channels].\n\n"
    return {"Feature maps": text + markdown.table(head, rows, aligned=False)}


def _converted(export) -> dict[str, str]:
    """Return the section on the numbers of a file for another runtime."""
    if "input_type" not in export:
        return {}
    found = {"megabytes": export["bytes"] / 1e6, "numbers": export["precision"]}
    if not export["checked"]:
        how = "Not checked: the runtime was not installed where it was written.\n\n"
        return {"Size": how + table(found, ("of the file", "value"))}
    checked = dict(export["checked"])
    where = f"{checked.pop('images')} images of {checked.pop('of')}"
    how = (
        f"Checked in {checked.pop('runtime')} on {where} against TensorFlow. The "
        "largest difference is in parts of the largest number of an output; latency "
        "is the median of a batch of one.\n\n"
    )
    figures = {name.replace("_", " "): value for name, value in checked.items()}
    rows = table({**found, **figures}, ("of the file", "value"))
    return {"Size, differences and latency": how + rows}


def _data(pretrained) -> str:
    own = ("normalization",)
    if pretrained.config.get("mean"):
        measured = pretrained.config.get("normalization") == AUTO
        own = (*own * measured, "mean", "std")
    keys = ("dataset", "split", "label_fraction", *own)
    stored = {key: pretrained.config[key] for key in keys if key in pretrained.config}
    return table(stored, ("of training", "value"))


def metrics(workdir: pathlib.Path) -> str:
    """Return tables of the last row of `metrics.jsonl` and of every `result.json`.

    Args:
        workdir: Folder of the run.
    """
    tables = []
    if rows := read_rows(workdir):
        last = table(_scalars(rows[-1]), ("last row of the log", "value"))
        tables.append(last)
    for path in _results(workdir):
        title = markdown.plain(path.relative_to(workdir).as_posix())
        tables.append(table(_scalars(json.loads(path.read_text())), (title, "value")))
    return "\n".join(tables) or NOT_KNOWN


def _results(workdir: pathlib.Path) -> list[pathlib.Path]:
    return [*workdir.glob("result.json"), *sorted(workdir.glob("*/result.json"))]


def _scalars(values: Mapping[str, Any]) -> dict[str, Any]:
    """Drop lists, tables and paths, which say nothing on another machine."""
    kept = {n: v for n, v in values.items() if isinstance(v, int | float | str)}
    return {n: v for n, v in kept.items() if "/" not in str(v)}


def beside(path: pathlib.Path) -> pathlib.Path:
    """Return the path of the card of a file: my.md of my.keras, else my.onnx.md."""
    if path.suffix == ".keras":
        return path.with_suffix(".md")
    return path.with_name(f"{path.name}.md")


def shown(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags that shape the model.

    Folders and the like are left out, and flags without meaning for its method.
    """
    hidden = free_fields(Config) | {"workdir", "model"} | unused(config)
    return {name: value for name, value in config.items() if name not in hidden}


def _sizes(export) -> str:
    size, trained = export["image_size"], export["trained_image_size"]
    takes = f"Images must be {size} x {size}" if size else "Images may have any size"
    best = f"; it was trained on {trained} x {trained} and is best near it"
    return takes + (best if trained else "") + "."


def versions() -> dict[str, str]:
    """Return the versions of the software that made the export."""
    return {
        "ressl_tf": ressl_tf.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "python": platform.python_version(),
    }


def table(values: Mapping[str, Any], head: Sequence[str]) -> str:
    """Return a table of two columns in Markdown.

    Args:
        values: Name -> value; without any, the text says that nothing is known.
        head: The two titles.
    """
    if not values:
        return NOT_KNOWN
    rows = [[name, _cell(value)] for name, value in values.items()]
    return markdown.table(head, rows, aligned=False) + "\n"


def _cell(value) -> str:
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    kind, _, path = str(value).partition(":")
    if kind in ("folder", "graph"):  # the name alone; its path says nothing elsewhere
        value = f"{kind}:{pathlib.Path(path).name}"
    return f"{value:.4g}" if isinstance(value, float) else markdown.plain(str(value))
