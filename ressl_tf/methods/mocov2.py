"""MoCo v2: momentum contrast (He et al., CVPR 2020; Chen et al., arXiv 2003.04297)."""

import keras

from ressl_tf.data.augment import views
from ressl_tf.losses import info_nce
from ressl_tf.methods.images import ImageSSL
from ressl_tf.models.key_queue import KeyQueue


@keras.saving.register_keras_serializable(package="ressl_tf")
class MoCoV2(ImageSSL):
    """Tells the key of an image from those of past images; both views are strong.

    Args:
        queue_size: past keys K that are the negatives.
        infonce_temp: temperature of InfoNCE.
        **kwargs: of `ImageSSL`.
    """

    options = (*ImageSSL.options, "queue_size", "infonce_temp")
    online_views = ("query",)
    target_views = ("key",)
    loss_names = ("infonce",)

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
        strong = views.strong_view(image_size, scale, **strength)
        return views.Views({"query": strong, "key": strong})

    def loss_terms(self, online, target, step):
        queue = self.queue.read()  # [K, d]
        nce = info_nce(online["query"], target["key"], queue, self.infonce_temp)
        return {"infonce": nce}, {}

    def enqueue(self, target):
        self.queue.enqueue(target["key"])
