"""Features as points in the plane."""

import dataclasses
import math

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from ressl_tf.runtime.errors import RunError, UsageError

PERPLEXITY = 30.0  # the default of van der Maaten's and of scikit-learn's t-SNE


@dataclasses.dataclass(frozen=True)
class Plane:
    """Features in two dimensions.

    Attributes:
        points: float32 [n, 2].
        name: of the projection, with what it depends on.
        axes: what the two coordinates are.
    """

    points: np.ndarray
    name: str
    axes: tuple[str, str]


def project(
    features: np.ndarray, method: str, *, perplexity: float = 0.0, seed: int = 0
) -> Plane:
    """Unit features in the plane, so that distance there stands for cosine distance.

    Args:
        features: [n, f], of any length.
        method: "pca" or "tsne".
        perplexity: of t-SNE; 0 for one that suits n.
        seed: of t-SNE.

    Raises:
        UsageError: when there are too few images for the perplexity.
        RunError: when there is nothing to see: features that are not finite, or the
            same for all images.
    """
    _check(features)
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    if method == "pca":
        return pca(unit)
    return tsne(unit, suitable_perplexity(len(unit), perplexity), seed)


def pca(features: np.ndarray) -> Plane:
    """The two directions of largest variance, exactly.

    Args:
        features: [n, f].
    """
    model = PCA(n_components=2, svd_solver="covariance_eigh")
    points = model.fit_transform(features.astype(np.float64))
    shares = model.explained_variance_ratio_
    first, second = (
        f"component {i} ({share:.0%} of the variance)"
        for i, share in enumerate(shares, start=1)
    )
    return Plane(points.astype(np.float32), "PCA", (first, second))


def tsne(features: np.ndarray, perplexity: float, seed: int) -> Plane:
    """t-SNE from a start at the principal components.

    Args:
        features: [n, f].
        perplexity: at least 1 and below n.
        seed: fixes the result on one machine.

    Reference: van der Maaten and Hinton, Visualizing Data using t-SNE (JMLR 2008).
    """
    model = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    # One thread: its sums are the same every time, and on busy cores it is quicker
    # (400 images on two cores that others use: 3 s against 16 s).
    with threadpool_limits(1):
        points = model.fit_transform(features.astype(np.float32))
    name = f"t-SNE (perplexity {perplexity:g})"
    return Plane(points, name, ("t-SNE 1", "t-SNE 2"))


def suitable_perplexity(count: int, asked: float = 0.0) -> float:
    """The perplexity for `count` images: `asked`, or for 0 one that they allow.

    t-SNE looks at three times as many neighbours, so that a third is the limit.

    Raises:
        UsageError: when `asked` is above it.
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
