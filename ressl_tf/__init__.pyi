"""The public names of ressl_tf; written by scripts/write_stub.py."""

from ressl_tf import evaluate as evaluate
from ressl_tf import losses as losses
from ressl_tf.config import Config as Config
from ressl_tf.config.method_table import register_method as register_method
from ressl_tf.data.augment.view import View as View
from ressl_tf.data.augment.views import Views as Views
from ressl_tf.data.augment.views import strong_view as strong_view
from ressl_tf.data.augment.views import weak_view as weak_view
from ressl_tf.data.load import load_source as load_source
from ressl_tf.data.pipeline import evaluation_batches as evaluation_batches
from ressl_tf.data.pipeline import steps_per_epoch as steps_per_epoch
from ressl_tf.data.pipeline import training_batches as training_batches
from ressl_tf.engine.optimizers import AdamW as AdamW
from ressl_tf.engine.optimizers import LARS as LARS
from ressl_tf.engine.optimizers import SGD as SGD
from ressl_tf.engine.schedules import WarmupConstant as WarmupConstant
from ressl_tf.engine.schedules import WarmupCosine as WarmupCosine
from ressl_tf.evaluate.knn_callback import KNNCallback as KNNCallback
from ressl_tf.graphs.graph import Graph as Graph
from ressl_tf.graphs.rgrl import RGRL as RGRL
from ressl_tf.methods.build import build_model as build_model
from ressl_tf.methods.build import build_optimizer as build_optimizer
from ressl_tf.methods.byol import BYOL as BYOL
from ressl_tf.methods.mocov2 import MoCoV2 as MoCoV2
from ressl_tf.methods.reco import ReCo as ReCo
from ressl_tf.methods.ressl import ReSSL as ReSSL
from ressl_tf.methods.ressl_multicrop import ReSSLMultiCrop as ReSSLMultiCrop
from ressl_tf.methods.ressl_plus import ReSSLPlus as ReSSLPlus
from ressl_tf.methods.rsa import RSA as RSA
from ressl_tf.models import backbones as backbones
from ressl_tf.models.backbones.batch_norm import BatchNormalization as BatchNormalization
from ressl_tf.models.classifier import Classifier as Classifier
from ressl_tf.models.encoder import Encoder as Encoder
from ressl_tf.pretraining.pretrain import pretrain as pretrain
from ressl_tf.saving.pretrained import open_pretrained as open_pretrained

__version__: str
