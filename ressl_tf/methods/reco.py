"""ReCo: MoCo v2 with a global and a local relation (arXiv 2211.01796)."""

import keras
import tensorflow as tf

from ressl_tf.data.augment import views
from ressl_tf.data.augment.mixing import MIXINGS
from ressl_tf.losses import cross_entropy, entropy, info_nce, relation
from ressl_tf.methods.mocov2 import MoCoV2
from ressl_tf.models.key_queue import KeyQueue
from ressl_tf.runtime.randomness import permutation


@keras.saving.register_keras_serializable(package="ressl_tf")
class ReCo(MoCoV2):
    """Contrast, ReSSL's relation to weak keys, and mixed images between two keys.

    Args:
        student_temp: temperature of the student's relation.
        teacher_temp: temperature of the teacher's, lower than the student's.
        lambda1: weight of the relation (global).
        lambda2: weight of the mixed images (local).
        interpolation: how images are mixed, "cutmix" or "mixup".
        mixed_target: what a mixed image is like besides the other's key: "query" (the
            paper: the detached online feature) or "key", which does not drift away from
            the queue (docs/results.md).
        **kwargs: of `MoCoV2`.
    """

    options = (
        *MoCoV2.options,
        *("student_temp", "teacher_temp", "lambda1", "lambda2"),
        *("interpolation", "mixed_target"),
    )
    online_views = ("query", "mixed")
    target_views = ("key", "weak")
    loss_names = ("infonce", "global", "local")
    signal_names = ("teacher_entropy", "student_entropy")

    def __init__(
        self,
        backbone="resnet18",
        *,
        student_temp: float = 0.1,
        teacher_temp: float = 0.04,
        lambda1: float = 1.0,
        lambda2: float = 1.0,
        interpolation: str = "cutmix",
        mixed_target: str = "query",
        **kwargs,
    ):
        super().__init__(backbone, **kwargs)
        self.weak_queue = KeyQueue(self.queue_size, self.embedding_dim, self.seed + 1)
        self.student_temp, self.teacher_temp = student_temp, teacher_temp
        self.lambda1, self.lambda2 = lambda1, lambda2
        self.interpolation, self.mixed_target = interpolation, mixed_target

    @classmethod
    def make_views(cls, image_size, scale=(0.2, 1.0), flip_p=0.5, **colour):
        strong = views.strong_view(image_size, scale, flip_p=flip_p, **colour)
        weak = views.weak_view(image_size, scale, flip_p=flip_p)
        return views.Views({"query": strong, "key": strong, "weak": weak})

    def mix_views(self, views, seed):
        seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        partner = permutation(tf.shape(views["key"])[0], seeds[0])
        others = tf.gather(views["key"], partner)
        mixed, share = MIXINGS[self.interpolation](views["query"], others, seeds[1])
        return {**views, "mixed": mixed, "partner": partner, "share": share}

    def loss_terms(self, online, target, step):
        terms, _ = super().loss_terms(online, target, step)  # MoCo's
        query, key, queue = online["query"], target["key"], self.queue.read()
        weak_queue = self.weak_queue.read()  # [K, d]
        teacher = relation(target["weak"], weak_queue, self.teacher_temp)  # [N, K]
        student = relation(query, weak_queue, self.student_temp)  # [N, K]
        share, others = step.views["share"], tf.gather(key, step.views["partner"])
        own = key if self.mixed_target == "key" else query
        between = tf.stop_gradient(share * own + (1 - share) * others)
        between = tf.math.l2_normalize(between, axis=-1)  # [N, d]
        local = info_nce(online["mixed"], between, queue, self.infonce_temp)
        terms["global"] = self.lambda1 * cross_entropy(teacher, student)
        terms["local"] = self.lambda2 * local
        entropies = entropy(teacher), entropy(student)
        return terms, dict(zip(self.signal_names, entropies, strict=True))

    def enqueue(self, target):
        super().enqueue(target)
        self.weak_queue.enqueue(target["weak"])
