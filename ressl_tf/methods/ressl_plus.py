"""Extended ReSSL: a predictor and an InfoNCE warm-up (TPAMI 2024, arXiv 2203.08717).

With w(t) a weight that fades from 1 to 0 over the warm-up, and the student's embedding
behind a predictor:

    loss = w(t) infonce(z_s, k_w, Q) + (1 - w(t)) ReSSL's loss

Our reading: the abstract names the two parts; the widths, the formula of the warm-up
and the values that the paper used are not public.
"""

import keras

from ressl_tf.engine.schedules import fade
from ressl_tf.losses import info_nce
from ressl_tf.methods.ressl import ReSSL


@keras.saving.register_keras_serializable(package="ressl_tf")
class ReSSLPlus(ReSSL):
    """ReSSL with a predictor on the student, and with an InfoNCE warm-up.

    The paper's exact values are not public: this is our reading of its abstract.

    Args:
        predictor_dim: width of the predictor; 0 for that of the projector.
        predictor_depth: its linear layers; 0 for no predictor.
        predictor_bn: whether it has batch normalisation.
        infonce_warmup_steps: until when InfoNCE has a weight; 0 for never.
        infonce_temp: temperature of InfoNCE.
        infonce_schedule: how its weight goes from 1 to 0: "switch" (1 up to the last
            warm-up step), "linear" or "cosine".
        **kwargs: of `ReSSL`.
    """

    options = (
        *ReSSL.options,
        "predictor_dim",
        "predictor_depth",
        "predictor_bn",
        "infonce_warmup_steps",
        "infonce_temp",
        "infonce_schedule",
    )
    counted_in_epochs = {"infonce_warmup_steps": "infonce_warmup_epochs"}
    loss_names = ("infonce", "relation")
    signal_names = (*ReSSL.signal_names, "infonce_weight")

    def __init__(
        self,
        backbone="resnet18",
        *,
        predictor_dim: int = 0,
        predictor_depth: int = 2,
        predictor_bn: bool = True,
        infonce_warmup_steps: int = 0,
        infonce_temp: float = 0.2,
        infonce_schedule: str = "switch",
        **kwargs,
    ):
        super().__init__(backbone, **kwargs)
        self.add_predictor(predictor_dim, predictor_depth, predictor_bn)
        self.infonce_warmup_steps = infonce_warmup_steps
        self.infonce_temp, self.infonce_schedule = infonce_temp, infonce_schedule

    def loss_terms(self, online, target, step):
        """Return InfoNCE and the relation, weighted by how far the warm-up is."""
        terms, signals = super().loss_terms(online, target, step)
        queue = self.queue.read()  # [K, d]
        nce = info_nce(online["strong"], target["weak"], queue, self.infonce_temp)
        weight = fade(step.number, self.infonce_warmup_steps, self.infonce_schedule)
        terms = {"infonce": weight * nce, "relation": (1 - weight) * terms["relation"]}
        return terms, {**signals, "infonce_weight": weight}
