"""Operations of a SavedModel's graph that reach beyond its tensors, before it runs.

The commands read variables alone and run nothing of a graph. Whoever serves it does:
TensorFlow calls a model a program, which may read and write what its process may.
"""

import os
import pathlib
import re

from tensorflow.core.protobuf import saved_model_pb2

from ressl_tf.runtime.errors import UsageError

FILE = "saved_model.pb"
# By the names of TensorFlow's registry: files, summaries, Python, other machines.
REACHING = re.compile(
    r"(Read|Write)File|MatchingFiles|.*Reader(V2)?|Reader\w+|Save|SaveSlices|Restore"
    r"|RestoreSlice|.*Py(Func|FuncStateless)|PrintV2|InitializeTableFromTextFile\w*"
    r"|.*Summary(File)?Writer|.*SummaryDbWriter|Write\w*Summary|ImportEvent|Debug\w+"
    r"|(TFRecord|TextLine|FixedLengthRecord|CSV|Sql|LMDB|Generator)Dataset(V\d)?"
    r"|(Cache|Snapshot|Save|Load|DataService)Dataset(V\d)?|DistributedSave"
    r"|MergeV2Checkpoints|(Save|Restore)V2|RpcCall|RpcClient|RpcServer\w*|_?Send|_?Recv"
    r"|RemoteCall|TensorRTEngine\w*|TRTEngineOp|DatasetToTFRecord|XlaLaunch\w*"
)
# Every SavedModel has these, in functions that save and restore variables.
OF_SAVER = ("SaveV2", "RestoreV2", "MergeV2Checkpoints")
SAVER = re.compile(r".*_traced_(save|restore)_\d+")


def check(folder: str | os.PathLike[str]) -> None:
    """Refuse a SavedModel whose graph has operations that reach beyond its tensors.

    Args:
        folder: of the SavedModel; the graph is parsed, and not loaded.

    Raises:
        UsageError: names them.
    """
    if found := reaching(folder):
        raise UsageError(
            f"the graph of the SavedModel {folder} has operations that read or write "
            f"files, or run code: {', '.join(found)}; ressl_tf.export writes none: "
            "do not serve it unless you know whom it is from"
        )


def reaching(folder: str | os.PathLike[str]) -> list[str]:
    """List such operations, sorted; empty for none.

    Raises:
        UsageError: the file of the graph cannot be read.
    """
    content = saved_model_pb2.SavedModel()
    try:
        content.ParseFromString((pathlib.Path(folder) / FILE).read_bytes())
    except Exception:  # of the disk, or of the protobuf library
        raise UsageError(
            f"the SavedModel {folder} is damaged: {FILE} cannot be read"
        ) from None
    found: set[str] = set()
    for meta in content.meta_graphs:
        found |= {node.op for node in meta.graph_def.node} - set(OF_SAVER)
        for function in meta.graph_def.library.function:
            ops = {node.op for node in function.node_def}
            is_saver = SAVER.fullmatch(function.signature.name)
            found |= ops - set(OF_SAVER) if is_saver else ops
    return sorted(filter(REACHING.fullmatch, found))
