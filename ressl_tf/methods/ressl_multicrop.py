"""ReSSL with several strong views, most of them small (Zheng et al., NeurIPS 2021)."""

import keras
import tensorflow as tf

from ressl_tf.data.augment import views
from ressl_tf.losses import cross_entropy, entropy, relation
from ressl_tf.methods.ressl import ReSSL
from ressl_tf.runtime.errors import UsageError

RATIOS = (1.0, 192 / 224, 160 / 224, 128 / 224, 96 / 224)  # the paper's 224 to 96 px


@keras.saving.register_keras_serializable(package="ressl_tf")
class ReSSLMultiCrop(ReSSL):
    """ReSSL with several strong views that follow the teacher's one relation.

    Each crop has a forward pass, and so batch statistics, of its own.

    Args:
        **kwargs: of `ReSSL`. Sizes and scales of the crops are those of `views`; see
            `make_views`.
    """

    view_options = (*ReSSL.view_options, "crop_sizes", "crop_scales")

    def __init__(self, backbone="resnet18", **kwargs):
        super().__init__(backbone, **kwargs)
        self.online_views = tuple(name for name in self.views.names if name != "weak")

    @classmethod
    def needed_views(cls, names):
        """Return the teacher's view: there may be any strong ones beside it."""
        return ("weak",)

    @classmethod
    def make_views(
        cls, image_size, crop_sizes=(), crop_scales=(), scale=(0.2, 1.0), **strength
    ):
        """Make one weak view and the strong ones.

        Args:
            image_size: side of the weak view.
            crop_sizes: sides of the strong views; empty for the paper's five in
                proportion to `image_size`.
            crop_scales: low and high share of the image's area for each strong view in
                turn; empty for `scale` times the ratio of its side to `image_size`.
            scale: fraction of the image's area that the weak view keeps.
            **strength: of `strong_view`.
        """
        sizes = crop_sizes or [round(ratio * image_size) for ratio in RATIOS]
        pairs = list(zip(crop_scales[::2], crop_scales[1::2], strict=False))
        if not crop_scales:
            pairs = [[end * size / image_size for end in scale] for size in sizes]
        if 2 * len(sizes) != (len(crop_scales) or 2 * len(sizes)):
            raise UsageError(
                "crop_scales are two numbers, low and high, for each of crop_sizes. "
                f"Received: {len(crop_scales)} numbers for {len(sizes)} crops"
            )
        if max(sizes) > image_size:
            raise UsageError(
                f"crop_sizes are at most image_size={image_size}. Received: {sizes}"
            )
        weak = views.strong_view(image_size, scale, **strength).weak()
        strong = {
            f"strong{index}": views.strong_view(size, pair, **strength)
            for index, (size, pair) in enumerate(zip(sizes, pairs, strict=True))
        }
        return views.Views({**strong, "weak": weak})

    def loss_terms(self, online, target, step):
        """Return ReSSL's loss, the mean over all strong views."""
        queue = self.queue.read()  # [K, d]
        teacher = relation(target["weak"], queue, self.teacher_temp)  # [N, K]
        crops = tf.concat([online[view] for view in self.online_views], axis=0)
        student = relation(crops, queue, self.student_temp)  # [V N, K]
        terms = {"relation": cross_entropy(teacher, student)}  # the same for each crop
        signals = {
            "teacher_entropy": entropy(teacher),
            "student_entropy": entropy(student),
        }
        return terms, signals
