"""RSA: reducing semantic shift from aggressive augmentations (NeurIPS 2022).

With w_i two weak views, s_i = w_i in other colours, p_i the student's prediction from
s_i, z_i the teacher's embedding of w_i, D(a, b) = 2 - 2 a.b, t the step from 1 and T
the steps of the run:

    beta = beta0 (cos(pi t / T) + 1) / 2
    loss = beta [D(p_1, sg p_2) + D(p_2, sg p_1)]
           + (1 - beta) [D(p_1, z_2) + D(p_2, z_1)]
"""

import keras
import tensorflow as tf

from ressl_tf.data.augment import views
from ressl_tf.engine.schedules import fade
from ressl_tf.losses import squared_distance
from ressl_tf.methods.byol import BYOL


@keras.saving.register_keras_serializable(package="ressl_tf")
class RSA(BYOL):
    """BYOL towards weak views, at first also towards the other strong view.

    A strong view is a weak one in other colours: the same crop.

    Args:
        beta0: weight of the strong views as targets at the start, 0 to 1.
        beta_schedule: "cosine" (to 0 over the run), "constant" or "off" (0).
        **kwargs: of `BYOL`.
    """

    options = (*BYOL.options, "beta0", "beta_schedule")
    online_views = ("strong1", "strong2")
    target_views = ("weak1", "weak2")
    loss_names = ("aggressive", "weak")
    signal_names = ("beta",)

    def __init__(
        self,
        backbone="resnet18",
        *,
        beta0: float = 0.4,
        beta_schedule: str = "cosine",
        **kwargs,
    ):
        super().__init__(backbone, **kwargs)
        self.beta0, self.beta_schedule = beta0, beta_schedule
        if beta_schedule == "cosine":
            self.require_total_steps("beta_schedule=cosine")

    @classmethod
    def make_views(cls, image_size, scale=(0.2, 1.0), **strength):
        """Make the paper's views: two weak ones, and each in other colours."""
        strong = views.strong_view(image_size, scale, **strength)
        weak, colours = strong.weak(), strong.photometric
        strong1 = views.View(photometric=colours, source="weak1")
        strong2 = views.View(photometric=colours, source="weak2")
        staged = {"weak1": weak, "weak2": weak, "strong1": strong1, "strong2": strong2}
        return views.Views(staged)

    def loss_terms(self, online, target, step):
        """Return the terms towards strong and weak views, and the weight beta."""
        p1, p2 = online["strong1"], online["strong2"]
        z1, z2 = target["weak1"], target["weak2"]
        beta = self.beta0 * fade(step.number + 1, self.total_steps, self.beta_schedule)
        # The aggressive target is the detached online prediction, not the average's.
        aggressive = squared_distance(p1, tf.stop_gradient(p2))
        aggressive += squared_distance(p2, tf.stop_gradient(p1))
        weak = squared_distance(p1, z2) + squared_distance(p2, z1)
        terms = {"aggressive": beta * aggressive, "weak": (1 - beta) * weak}
        return terms, {"beta": beta}
