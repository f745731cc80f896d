"""Project features to points in the plane."""

import dataclasses
import math
import warnings

import numpy as np

from ressl_tf.evaluate.vectors import unit_rows
from ressl_tf.runtime.errors import RunError, UsageError

UMAP_NEIGHBOURS = 15  # the default of umap-learn
ITERATIONS = 1000  # the default of scikit-learn
PERPLEXITY = 30.0  # the default of van der Maaten's and of scikit-learn's t-SNE


@dataclasses.dataclass(frozen=True)
class Plane:
    """Features in two dimensions.

    Attributes:
        points: float32 [n, 2].
        name: Name of the projection, with its parameters.
        axes: Names of the two coordinates.
    """

    points: np.ndarray
    name: str
    axes: tuple[str, str]


def project(
    features: np.ndarray,
    method: str,
    *,
    perplexity: float = 0.0,
    seed: int = 0,
    iterations: int = ITERATIONS,
) -> Plane:
    """Project unit features to the plane, where distance stands for cosine distance.

    Args:
        features: [n, f], of any length.
        method: "pca", "tsne" or "umap".
        perplexity: Perplexity of t-SNE; 0 for one that suits n.
        seed: Seed of t-SNE and UMAP.
        iterations: Steps of t-SNE. Half of the default give the same neighbours in half
            of the time: of 2,000 vectors around ten centres, the trustworthiness of 10
            neighbours is 0.968 after 500, 0.969 after 1,000 and 0.963 after 300.

    Raises:
        UsageError: There are too few images for the perplexity.
        RunError: There is nothing to see: features that are not finite, or the same for
            all images.
    """
    _check(features)
    unit = unit_rows(features)
    if method == "pca":
        return pca(unit)
    if method == "umap":
        return umap(unit, seed)
    return tsne(unit, suitable_perplexity(len(unit), perplexity), seed, iterations)


def pca(features: np.ndarray) -> Plane:
    """Project to the two directions of largest variance, exactly.

    Args:
        features: [n, f].
    """
    from sklearn.decomposition import PCA  # takes seconds to import

    model = PCA(n_components=2, svd_solver="covariance_eigh")
    points = model.fit_transform(features.astype(np.float64))
    first, second = (
        f"component {i} ({ratio:.0%} of the variance)"
        for i, ratio in enumerate(model.explained_variance_ratio_, start=1)
    )
    return Plane(points.astype(np.float32), "PCA", (first, second))


def tsne(
    features: np.ndarray, perplexity: float, seed: int, iterations: int = ITERATIONS
) -> Plane:
    """Project by t-SNE, which starts at the principal components.

    Args:
        features: [n, f].
        perplexity: At least 1 and below n.
        seed: Fixes the result on one machine.
        iterations: Steps.

    Reference: van der Maaten and Hinton, Visualizing Data using t-SNE (JMLR 2008).
    """
    from sklearn.manifold import TSNE  # takes seconds to import
    from threadpoolctl import threadpool_limits

    model = TSNE(
        perplexity=perplexity, init="pca", random_state=seed, max_iter=iterations
    )
    # One thread: its sums are the same every time, and on busy cores it is quicker
    # (400 images on two busy cores: 3 s against 16 s).
    with threadpool_limits(1):
        points = model.fit_transform(features.astype(np.float32))
    name = f"t-SNE (perplexity {perplexity:g})"
    return Plane(points, name, ("t-SNE 1", "t-SNE 2"))


def umap(features: np.ndarray, seed: int) -> Plane:
    """Project by UMAP, where umap-learn is installed.

    Args:
        features: [n, f], n at least 4.
        seed: Fixes the result on one machine.

    Raises:
        UsageError: It is not installed.

    Reference: McInnes, Healy and Melville, UMAP (2018), arXiv 1802.03426.
    """
    try:
        from umap import UMAP  # an extra; takes seconds to import
    except ImportError:
        raise UsageError(
            "--projection=umap needs umap-learn: pip install 'ressl_tf[umap]', or take "
            "--projection=tsne"
        ) from None
    neighbours = min(UMAP_NEIGHBOURS, len(features) - 1)
    with warnings.catch_warnings():
        # That a seed leaves one thread, that few images have few neighbours.
        warnings.filterwarnings("ignore", category=UserWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        model = UMAP(n_neighbors=neighbours, random_state=seed, init="pca")
        points = model.fit_transform(features.astype(np.float32))
    name = f"UMAP ({neighbours} neighbours)"
    return Plane(points.astype(np.float32), name, ("UMAP 1", "UMAP 2"))


def suitable_perplexity(count: int, asked: float = 0.0) -> float:
    """Return the perplexity for `count` images: `asked`, or for 0 a suitable one.

    t-SNE uses three times as many neighbours, so that a third of the other images is
    the limit.

    Raises:
        UsageError: `asked` is above the limit.
    """
    limit = math.floor(10 * (count - 1) / 3) / 10
    if asked > limit:
        raise UsageError(
            f"--perplexity must be at most {limit:.1f}, a third of the other images; "
            f"lower it, or raise --images, or take --projection=pca. Received: "
            f"{asked:g} for {count} images"
        )
    return asked or min(PERPLEXITY, limit)


def _check(features):
    if not np.isfinite(features).all():
        raise RunError("the features are not finite (NaN): the encoder is broken")
    if min(features.shape) < 2:
        raise UsageError(
            "a plane needs two images and features of length 2. Received: "
            f"features of shape {list(features.shape)}"
        )
    if not np.ptp(features, axis=0).any():
        raise RunError(
            "all images have the same features: the encoder has collapsed, or gives a "
            "constant"
        )
