"""ReSSL: relational self-supervised learning (Zheng et al., NeurIPS 2021).

With Q the queue of K past target embeddings, z_s the student's embedding of a strong
view and k_w the teacher's of a weak view of the same image:

    p = softmax(k_w Q^T / teacher_temp)                   Eq. 2
    q = softmax(z_s Q^T / student_temp)                   Eq. 3
    loss = mean over images of -sum_j p_j log q_j         Eq. 4, up to a constant

There is no positive pair and no negative one: Q never holds the current batch.
"""

import keras

from ressl_tf.data.augment import views
from ressl_tf.losses import cross_entropy, entropy, relation
from ressl_tf.methods.images import ImageSSL
from ressl_tf.models.key_queue import KeyQueue
from ressl_tf.runtime.errors import UsageError


@keras.saving.register_keras_serializable(package="ressl_tf")
class ReSSL(ImageSSL):
    """A student that learns to see its teacher's relations to a queue of past images.

    Args:
        queue_size: past embeddings K that an image is related to.
        student_temp: temperature of the student's relation.
        teacher_temp: temperature of the teacher's relation; it must be lower, so that
            the target is sharper than what the student predicts.
        **kwargs: of `ImageSSL`.

    Example:
        model = ressl_tf.ReSSL("resnet18", image_size=32)
        model.compile(ressl_tf.SGD(0.06))
        model.fit(images, batch_size=256, epochs=200)  # uint8 [n, 32, 32, 3]
        features = model.predict(images)
    """

    options = (*ImageSSL.options, "queue_size", "student_temp", "teacher_temp")
    online_views: tuple[str, ...] = ("strong",)
    target_views: tuple[str, ...] = ("weak",)
    loss_names: tuple[str, ...] = ("relation",)
    signal_names: tuple[str, ...] = ("teacher_entropy", "student_entropy")

    def __init__(
        self,
        backbone="resnet18",
        *,
        queue_size: int = 4096,
        student_temp: float = 0.1,
        teacher_temp: float = 0.04,
        **kwargs,
    ):
        super().__init__(backbone, **kwargs)
        if min(student_temp, teacher_temp) <= 0:
            raise UsageError(
                "temperatures must be above 0. Received: "
                f"student_temp={student_temp}, teacher_temp={teacher_temp}"
            )
        self.queue = KeyQueue(queue_size, self.embedding_dim, seed=self.seed)
        self.queue_size = queue_size
        self.student_temp, self.teacher_temp = student_temp, teacher_temp

    @classmethod
    def make_views(cls, image_size, scale=(0.2, 1.0), **strength):
        """Make the paper's views as a `Views` layer: one strong, one weak."""
        strong = views.strong_view(image_size, scale, **strength)
        return views.Views({"strong": strong, "weak": strong.weak()})

    def loss_terms(self, online, target, step):
        """Return the cross-entropy of the student's relation under the teacher's."""
        queue = self.queue.read()  # [K, d], without this batch
        teacher = relation(target["weak"], queue, self.teacher_temp)  # Eq. 2: [N, K]
        student = relation(online["strong"], queue, self.student_temp)  # Eq. 3: [N, K]
        terms = {"relation": cross_entropy(teacher, student)}  # Eq. 4
        signals = {
            "teacher_entropy": entropy(teacher),
            "student_entropy": entropy(student),
        }
        return terms, signals

    def enqueue(self, target):
        """Put the teacher's embeddings of the weak views into Q."""
        self.queue.enqueue(target["weak"])
