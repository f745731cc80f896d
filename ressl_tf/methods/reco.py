"""ReCo: MoCo v2 with a global and a local relation (arXiv 2211.01796).

With q, k, w the embeddings of a query view (student), a key view and a weak view (both
teacher), Q and W the queues of keys and of weak embeddings, pi a permutation of the
batch, x_mix a query view mixed with the key view of pi(n), and r the query's fraction:

    infonce = -log exp(q.k / T) / (exp(q.k / T) + sum_j exp(q.Q_j / T))
    global  = -sum_j softmax(w W^T / teacher_temp)_j log softmax(q W^T / student_temp)_j
    k_mix   = sg norm(r q + (1 - r) k_pi)
    local   = infonce of norm(f(x_mix)) with the positive k_mix
    loss    = infonce + lambda1 global + lambda2 local
"""

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
    """MoCo v2 with ReSSL's relation to weak keys, and with mixed images.

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
    def make_views(cls, image_size, scale=(0.2, 1.0), **strength):
        """Make the paper's views as a `Views` layer: two strong, one weak."""
        strong = views.strong_view(image_size, scale, **strength)
        return views.Views({"query": strong, "key": strong, "weak": strong.weak()})

    def mix_views(self, views, seed):
        """Mix each query view with the key view of another image of the batch."""
        seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        partner = permutation(tf.shape(views["key"])[0], seeds[0])
        partners = tf.gather(views["key"], partner)
        mix = MIXINGS[self.interpolation]
        mixed, fraction = mix(views["query"], partners, seeds[1])
        return {**views, "mixed": mixed, "partner": partner, "fraction": fraction}

    def loss_terms(self, online, target, step):
        """Return contrast, global and local relation, and the relations' entropies."""
        terms, _ = super().loss_terms(online, target, step)  # MoCo's
        query, key, queue = online["query"], target["key"], self.queue.read()
        weak_queue = self.weak_queue.read()  # [K, d]
        teacher = relation(target["weak"], weak_queue, self.teacher_temp)  # [N, K]
        student = relation(query, weak_queue, self.student_temp)  # [N, K]
        r, partner_key = step.views["fraction"], tf.gather(key, step.views["partner"])
        image = key if self.mixed_target == "key" else query
        mixed_key = tf.stop_gradient(r * image + (1 - r) * partner_key)
        mixed_key = tf.math.l2_normalize(mixed_key, axis=-1)  # [N, d]
        local = info_nce(online["mixed"], mixed_key, queue, self.infonce_temp)
        terms["global"] = self.lambda1 * cross_entropy(teacher, student)
        terms["local"] = self.lambda2 * local
        entropies = entropy(teacher), entropy(student)
        return terms, dict(zip(self.signal_names, entropies, strict=True))

    def enqueue(self, target):
        """Put keys into Q and weak embeddings into W."""
        super().enqueue(target)
        self.weak_queue.enqueue(target["weak"])
