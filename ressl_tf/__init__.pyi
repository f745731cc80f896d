"""The public names of ressl_tf; written by scripts/write_stub.py."""

from typing import Any

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
from ressl_tf.pretraining.result import Result as Result
from ressl_tf.saving.pretrained import open_pretrained as open_pretrained

def bench(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., **flags: Any) -> Result: ...
def convert(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., to: str = ..., workdir: str = ..., checkpoint: str = ..., stem: str = ..., image_size: int = ..., normalization: str = ..., mean: Any = ..., std: Any = ..., output: str = ..., layout: str = ...) -> Result: ...
def embed(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., workdir: str = ..., model: str = ..., model_selection: str = ..., embedding: bool = ..., image_size: int = ..., dataset: str = ..., split: str = ..., data_dir: str = ..., download: bool = ..., labels: str = ..., on_bad_image: str = ..., max_pixels: int = ..., exif: str = ..., value_range: str = ..., rgb: str = ..., output: str = ..., format: str = ..., dtype: str = ..., overwrite: bool = ..., batch_size: int = ..., log_seconds: float = ...) -> Result: ...
def export(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., workdir: str = ..., model: str = ..., model_selection: str = ..., output: str = ..., format: str = ..., overwrite: bool = ..., outputs: Any = ..., image_size: int = ...) -> Result: ...
def finetune(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., workdir: str = ..., model: str = ..., model_selection: str = ..., untrained: bool = ..., dataset: str = ..., train_split: str = ..., eval_split: str = ..., data_dir: str = ..., download: bool = ..., labels: str = ..., on_bad_image: str = ..., max_pixels: int = ..., exif: str = ..., value_range: str = ..., cache: str = ..., cache_dir: str = ..., image_size: int = ..., seed: int = ..., output: str = ..., epochs: int = ..., batch_size: int = ..., learning_rate: float = ..., lr_schedule: str = ..., decay_at: Any = ..., warmup_epochs: float = ..., sgd_momentum: float = ..., nesterov: bool = ..., weight_decay: float = ..., crop_scale_min: float = ..., flip_prob: float = ..., eval_every: int = ..., strategy: str = ..., keep_checkpoints: int = ..., checkpoint_every_steps: int = ..., checkpoint_every_minutes: float = ..., on_nan: str = ..., max_nan_steps: int = ..., log_seconds: float = ..., tracker: Any = ..., tensorboard: bool = ..., label_fraction: float = ..., trainable: str = ..., encoder_learning_rate: float = ..., layer_decay: float = ...) -> Result: ...
def knn(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., workdir: str = ..., model: str = ..., model_selection: str = ..., untrained: bool = ..., dataset: str = ..., train_split: str = ..., eval_split: str = ..., data_dir: str = ..., download: bool = ..., labels: str = ..., on_bad_image: str = ..., max_pixels: int = ..., exif: str = ..., value_range: str = ..., cache: str = ..., cache_dir: str = ..., image_size: int = ..., seed: int = ..., output: str = ..., bank: str = ..., queries: str = ..., knn_k: Any = ..., knn_temp: Any = ..., batch_size: int = ...) -> Result: ...
def linear(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., workdir: str = ..., model: str = ..., model_selection: str = ..., untrained: bool = ..., dataset: str = ..., train_split: str = ..., eval_split: str = ..., data_dir: str = ..., download: bool = ..., labels: str = ..., on_bad_image: str = ..., max_pixels: int = ..., exif: str = ..., value_range: str = ..., cache: str = ..., cache_dir: str = ..., image_size: int = ..., seed: int = ..., output: str = ..., epochs: int = ..., batch_size: int = ..., learning_rate: float = ..., lr_schedule: str = ..., decay_at: Any = ..., warmup_epochs: float = ..., sgd_momentum: float = ..., nesterov: bool = ..., weight_decay: float = ..., crop_scale_min: float = ..., flip_prob: float = ..., eval_every: int = ..., strategy: str = ..., keep_checkpoints: int = ..., checkpoint_every_steps: int = ..., checkpoint_every_minutes: float = ..., on_nan: str = ..., max_nan_steps: int = ..., log_seconds: float = ..., tracker: Any = ..., tensorboard: bool = ..., lbfgs_c: Any = ..., lbfgs_iterations: int = ..., bank: str = ..., queries: str = ..., solver: str = ...) -> Result: ...
def nodes(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., lbfgs_c: Any = ..., lbfgs_iterations: int = ..., workdir: str = ..., untrained: bool = ..., model_selection: str = ..., dataset: str = ..., tasks: Any = ..., features: str = ..., splits: int = ..., solver: str = ..., probe_steps: int = ..., probe_learning_rate: float = ..., seed: int = ..., output: str = ...) -> Result: ...
def plot(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., workdir: str = ..., model: str = ..., dataset: str = ..., split: str = ..., data_dir: str = ..., download: bool = ..., labels: str = ..., on_bad_image: str = ..., max_pixels: int = ..., exif: str = ..., value_range: str = ..., rgb: str = ..., images: int = ..., image_size: int = ..., kind: Any = ..., projection: str = ..., perplexity: float = ..., seed: int = ..., dpi: int = ..., picture_format: str = ..., output: str = ...) -> Result: ...
def pretrain(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., method: str = ..., momentum: float = ..., momentum_schedule: str = ..., head: str = ..., queue_size: int = ..., student_temp: float = ..., teacher_temp: float = ..., crop_sizes: Any = ..., crop_scales: Any = ..., infonce_temp: float = ..., infonce_warmup_epochs: float = ..., infonce_schedule: str = ..., predictor_depth: int = ..., predictor_dim: int = ..., predictor_bn: bool = ..., lambda1: float = ..., lambda2: float = ..., interpolation: str = ..., mixed_target: str = ..., beta0: float = ..., beta_schedule: str = ..., gcn_layers: Any = ..., graph_sample: int = ..., anchor_alpha: float = ..., anchor_beta: float = ..., graph_topk: int = ..., ppr_exact_max_nodes: int = ..., drop_features: Any = ..., drop_edges: Any = ..., local_teacher_temp: float = ..., local_weight: float = ..., bn_frozen_after_first_eval: bool = ..., holdout_edges: float = ..., log_every: int = ..., strategy: str = ..., logical_devices: int = ..., coordinator_address: str = ..., num_workers: int = ..., worker_index: int = ..., tpu: str = ..., gpu_memory_limit: int = ..., mixed_precision: str = ..., jit_compile: str = ..., augment_on: str = ..., gradient_accumulation: int = ..., steps_per_execution: int = ..., epochs: int = ..., extend_epochs: int = ..., batch_size: int = ..., optimizer: str = ..., trust_coefficient: float = ..., learning_rate: float = ..., warmup_epochs: float = ..., lr_schedule: str = ..., cosine_per_epoch: bool = ..., sgd_momentum: float = ..., weight_decay: float = ..., decay_bias_and_norm: bool = ..., clip_norm: float = ..., seed: int = ..., crop_scale_min: float = ..., color_jitter: Any = ..., color_jitter_prob: float = ..., grayscale_prob: float = ..., blur_prob: float = ..., solarize_prob: float = ..., flip_prob: float = ..., vertical_flip_prob: float = ..., quarter_turns: bool = ..., rotation: float = ..., dataset: str = ..., split: str = ..., eval_split: str = ..., knn_bank_split: str = ..., data_dir: str = ..., download: bool = ..., labels: str = ..., on_bad_image: str = ..., max_pixels: int = ..., exif: str = ..., value_range: str = ..., cache: str = ..., cache_dir: str = ..., image_size: int = ..., channels: int = ..., rgb: str = ..., normalization: str = ..., mean: Any = ..., std: Any = ..., backbone: str = ..., width: float = ..., stem: str = ..., batch_norm: str = ..., zero_init_gamma: bool = ..., hidden_dim: int = ..., embedding_dim: int = ..., init_from: str = ..., workdir: str = ..., knn_every: int = ..., knn_k: int = ..., knn_temp: float = ..., knn_images: int = ..., keep_checkpoints: int = ..., keep_best: bool = ..., checkpoint_every_steps: int = ..., checkpoint_every_minutes: float = ..., on_nan: str = ..., max_nan_steps: int = ..., log_seconds: float = ..., tracker: Any = ..., tensorboard: bool = ..., report: bool = ..., report_every: int = ..., callbacks: Any = ..., max_steps: int = ..., dry_run: bool = ...) -> Result: ...
def preview(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., **flags: Any) -> Result: ...
def report(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., workdir: str = ..., output: str = ..., dataset: str = ..., split: str = ..., data_dir: str = ..., download: bool = ..., labels: str = ..., on_bad_image: str = ..., max_pixels: int = ..., exif: str = ..., value_range: str = ..., rgb: str = ..., images: int = ..., projection: Any = ..., checkpoints: int = ..., seed: int = ...) -> Result: ...
def search(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., index: str = ..., query: Any = ..., k: int = ..., duplicates: float = ..., outliers: int = ..., diverse: int = ..., method: str = ..., model: str = ..., output: str = ..., rgb: str = ..., rows: int = ...) -> Result: ...
def sweep(run: Any = ..., *, data: Any = ..., out: Any = ..., flagfile: Any = ..., **flags: Any) -> list[Result]: ...

__version__: str
