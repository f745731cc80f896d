"""The nodes of a graph as points of a report's map."""

from ressl_tf.data.pipeline import evaluation_rows
from ressl_tf.evaluate.report.points import Points
from ressl_tf.graphs.trained import open_graph_run
from ressl_tf.runtime.file_names import printable


def node_points(workdir: str, dataset: str, most: int) -> Points:
    """Embed the nodes of a graph; of more than `most`, a fixed random choice is given.

    Args:
        workdir: of a run on a graph.
        dataset: "graph:/path/to/file.npz"; empty for that of the run.
        most: number of nodes.

    Raises:
        UsageError: the graph cannot be read, or the run has no checkpoint yet.
        RunError: no checkpoint can be read.
    """
    run = open_graph_run(workdir)
    graph = run.graph(dataset)
    rows = evaluation_rows(graph.num_nodes, most).numpy()
    name = printable(dataset or run.config.dataset)
    return Points(
        things="nodes",
        about=f"{len(rows):,} of {graph.num_nodes:,} nodes of {name}",
        vectors=run.embed(graph)[rows],
        labels=None if graph.labels is None else graph.labels[rows],
        label_names=graph.label_names,
        names=[f"node {row}" for row in rows],
        notes=[_edges(int(count)) for count in graph.degrees[rows]],
    )


def _edges(count: int) -> str:
    return "1 edge" if count == 1 else f"{count:,} edges"
