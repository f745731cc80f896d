"""BYOL: bootstrap your own latent (Grill et al., NeurIPS 2020).

With p_i the student's prediction from strong view i and z_i the teacher's embedding of
it, all of unit length, and D(a, b) = |a - b|^2 = 2 - 2 a.b:

    loss = D(p_1, z_2) + D(p_2, z_1)                      Eq. 2, both ways
"""

import keras

from ressl_tf.data.augment import views
from ressl_tf.losses import squared_distance
from ressl_tf.methods.images import ImageSSL


@keras.saving.register_keras_serializable(package="ressl_tf")
class BYOL(ImageSSL):
    """A student that predicts the target's embedding of another view: no queue.

    Both views are drawn alike, as in RSA's code; the original blurs and solarises them
    differently.

    Args:
        predictor_dim: width of the predictor; 0 for that of the projector.
        predictor_depth: its linear layers; without any (0) the embeddings collapse.
        predictor_bn: whether it has batch normalisation.
        head: see `ImageSSL`; with batch normalisation by default.
        momentum_schedule: see `ImageSSL`; the cosine needs `total_steps`.
        **kwargs: of `ImageSSL`.
    """

    options = (
        *ImageSSL.options,
        "predictor_dim",
        "predictor_depth",
        "predictor_bn",
    )
    online_views: tuple[str, ...] = ("strong1", "strong2")
    # In the order of RSA's code: running statistics keep most of what passes last.
    target_views: tuple[str, ...] = ("strong2", "strong1")
    loss_names: tuple[str, ...] = ("prediction",)

    def __init__(
        self,
        backbone="resnet18",
        *,
        predictor_dim: int = 0,
        predictor_depth: int = 2,
        predictor_bn: bool = True,
        head: str = "bn",
        momentum_schedule: str = "cosine",
        **kwargs,
    ):
        super().__init__(
            backbone, head=head, momentum_schedule=momentum_schedule, **kwargs
        )
        self.add_predictor(predictor_dim, predictor_depth, predictor_bn)

    @classmethod
    def make_views(cls, image_size, scale=(0.2, 1.0), **strength):
        """Make the paper's views as a `Views` layer: two strong ones."""
        strong = views.strong_view(image_size, scale, **strength)
        return views.Views({"strong1": strong, "strong2": strong})

    def loss_terms(self, online, target, step):
        """Return the squared distance of predictions and targets, both ways."""
        p1, p2 = online["strong1"], online["strong2"]
        z1, z2 = target["strong1"], target["strong2"]
        return {"prediction": squared_distance(p1, z2) + squared_distance(p2, z1)}, {}
