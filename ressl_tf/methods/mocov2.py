"""MoCo v2: momentum contrast (He et al., CVPR 2020; Chen et al., arXiv 2003.04297).

With q the student's embedding of one strong view, k the teacher's of another, and Q the
queue of past keys, which are the negatives:

    loss = -log exp(q.k / T) / (exp(q.k / T) + sum_j exp(q.Q_j / T))      Eq. 1
"""

import keras

from ressl_tf.data.augment import views
from ressl_tf.losses import info_nce
from ressl_tf.methods.images import ImageSSL
from ressl_tf.models.key_queue import KeyQueue


@keras.saving.register_keras_serializable(package="ressl_tf")
class MoCoV2(ImageSSL):
    """A student that tells an image's key from those of past images.

    Args:
        queue_size: past keys K that are the negatives.
        infonce_temp: temperature of InfoNCE.
        **kwargs: of `ImageSSL`.
    """

    options = (*ImageSSL.options, "queue_size", "infonce_temp")
    online_views: tuple[str, ...] = ("query",)
    target_views: tuple[str, ...] = ("key",)
    loss_names: tuple[str, ...] = ("infonce",)

    def __init__(
        self,
        backbone="resnet18",
        *,
        queue_size: int = 4096,
        infonce_temp: float = 0.2,
        **kwargs,
    ):
        super().__init__(backbone, **kwargs)
        self.queue = KeyQueue(queue_size, self.embedding_dim, seed=self.seed)
        self.queue_size, self.infonce_temp = queue_size, infonce_temp

    @classmethod
    def make_views(cls, image_size, scale=(0.2, 1.0), **strength):
        """Make the paper's views as a `Views` layer: two strong ones."""
        strong = views.strong_view(image_size, scale, **strength)
        return views.Views({"query": strong, "key": strong})

    def loss_terms(self, online, target, step):
        """Return InfoNCE of the query's key against the keys in the queue."""
        queue = self.queue.read()  # [K, d]
        nce = info_nce(online["query"], target["key"], queue, self.infonce_temp)
        return {"infonce": nce}, {}

    def enqueue(self, target):
        """Put the batch's keys into Q."""
        self.queue.enqueue(target["key"])
