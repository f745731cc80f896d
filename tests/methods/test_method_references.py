"""One whole step of every method against plain NumPy, and what must be the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_methods as reference

import ressl_tf
from ressl_tf.data.augment import mixing
from ressl_tf.data.augment.views import Views, weak_view
from ressl_tf.models.backbones.batch_norm import BatchNormalization
from ressl_tf.runtime.errors import UsageError

SIDE, WIDTH, HIDDEN, DIM, QUEUE, BATCH = 4, 5, 4, 3, 8, 6
MEAN, STD = np.array((0.5, 0.4, 0.3)), np.array((0.2, 0.3, 0.25))
STEP, TOTAL = 3, 10  # the fourth of ten steps

CASES = {
    "ressl": (ressl_tf.ReSSL, {}, {}),
    "ressl_multicrop": (ressl_tf.ReSSLMultiCrop, {}, {}),
    "ressl_plus-linear": (
        ressl_tf.ReSSLPlus,
        {"infonce_warmup_steps": 5, "infonce_schedule": "linear"},
        {"infonce_weight": 0.4},
    ),
    "ressl_plus-cosine": (
        ressl_tf.ReSSLPlus,
        {"infonce_warmup_steps": 6, "infonce_schedule": "cosine"},
        {"infonce_weight": 0.5},
    ),
    "ressl_plus-before": (
        ressl_tf.ReSSLPlus,
        {"infonce_warmup_steps": 4, "predictor_bn": False, "predictor_depth": 1},
        {"infonce_weight": 1.0, "predictor": ["affine"]},
    ),
    "ressl_plus-after": (
        ressl_tf.ReSSLPlus,
        {"infonce_warmup_steps": 3, "predictor_depth": 3, "predictor_dim": 2},
        {"infonce_weight": 0.0, "predictor": [*reference.NORMED[:3]] * 2 + ["matrix"]},
    ),
    "mocov2": (ressl_tf.MoCoV2, {}, {}),
    "reco": (ressl_tf.ReCo, {}, {"lambda1": 1.0, "lambda2": 1.0}),
    "reco-mixup": (
        ressl_tf.ReCo,
        {"interpolation": "mixup", "lambda1": 0.3, "lambda2": 0.7},
        {"lambda1": 0.3, "lambda2": 0.7},
    ),
    "reco-key": (
        ressl_tf.ReCo,
        {"mixed_target": "key"},
        {"mixed_target": "key", "lambda1": 1.0, "lambda2": 1.0},
    ),
    "byol": (ressl_tf.BYOL, {}, {}),
    "rsa": (ressl_tf.RSA, {"beta0": 0.9}, {"beta0": 0.9}),
}


def tiny(cls, **options):
    """A model whose online network, target and predictor are all different."""
    layers = [
        keras.layers.InputLayer(shape=(SIDE, SIDE, 3)),
        keras.layers.Flatten(),
        keras.layers.Dense(WIDTH, use_bias=False),
        BatchNormalization(),
        keras.layers.ReLU(),
    ]
    if cls is ressl_tf.ReSSLMultiCrop:  # any two crops will do here, of one size
        options["views"] = Views(
            {name: weak_view(SIDE) for name in "ab"} | {"weak": weak_view(SIDE)}
        )
    if "queue_size" in cls.options:
        options = {"queue_size": QUEUE, **options}
    numbers = {"image_size": SIDE, "hidden_dim": HIDDEN, "embedding_dim": DIM}
    numbers |= {
        "momentum": 0.9,
        "mean": MEAN.tolist(),
        "std": STD.tolist(),
        "total_steps": TOTAL,
    }
    model = cls(keras.Sequential(layers), **{**numbers, **options})
    generator = np.random.default_rng(3)
    for variable in (*model.trainable_variables, *parameters(model.target)):
        variable.assign(generator.normal(scale=0.5, size=variable.shape))
    model.compile(ressl_tf.SGD(1.0, 0.0, 0.0), run_eagerly=True)  # no tracing
    model.step.assign(STEP)
    return model


def parameters(network):
    return [v for v in network.variables if "moving" not in v.name]


def numbers(variables):
    return [v.numpy().astype("float64") for v in variables]


def random_views(model, seed=0):
    generator = np.random.default_rng(seed)
    return {
        name: generator.uniform(0, 255, (BATCH, SIDE, SIDE, 3)).astype("float32")
        for name in model.views.names
    }


def flat(images):
    return ((np.asarray(images, "float64") / 255 - MEAN) / STD).reshape(BATCH, -1)


def close(actual, expected, message=""):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4, err_msg=message)


@pytest.mark.parametrize("case", CASES)
def test_a_whole_step_equals_numpy(case):
    cls, options, drawn = CASES[case]
    model, name = tiny(cls, **options), case.split("-")[0]
    views = random_views(model)
    mixed = model.mix_views(views, tf.random.fold_in(tf.constant([0, STEP]), 0))
    drawn = {**drawn, "step": STEP, "total": TOTAL}
    drawn |= {key: mixed[key].numpy() for key in mixed if key not in views}
    images = {key: flat(mixed[key]) for key in mixed if mixed[key].ndim == 4}
    symmetric = name in ("byol", "rsa")
    layers = reference.BACKBONE + (reference.NORMED if symmetric else reference.PLAIN)
    predictor = drawn.get("predictor", reference.NORMED)
    momentum = 1 - 0.1 * reference.cosine(STEP + 1, TOTAL) if symmetric else 0.9
    before, queues = model.trainable_variables, [q.keys.numpy() for q in model.queues]
    before = numbers(before)
    terms, gradients, target, keys = reference.step(
        getattr(reference, name),
        layers,
        predictor if model.predictor else [],
        numbers(parameters(model.target)),
        before,
        images,
        queues,
        momentum,
        drawn,
    )
    logs = model.train_on_batch(views, return_dict=True)
    close(logs["loss"], sum(terms.values()))
    for term in model.loss_names:
        close(logs[term if len(terms) > 1 else "loss"], terms[term], term)
    after = numbers(model.trainable_variables)
    for old, new, gradient in zip(before, after, gradients, strict=True):
        close(old - new, gradient)
    for actual, expected in zip(parameters(model.target), target, strict=True):
        close(actual, expected)
    names = {"mocov2": ["key"], "reco": ["key", "weak"]}.get(name, ["weak"])
    for queue, old, view in zip(model.queues, queues, names, strict=bool(queues)):
        expected = reference.first_in_first_out(old, 0, keys[view])
        close(queue.keys, expected)
    assert len(model.queues) == (0 if symmetric else len(names))
    assert int(model.step.numpy()) == STEP + 1


def after_a_step(model, views):
    """Loss, trained weights, target and queues after one step on `views`."""
    loss = model.train_on_batch(views, return_dict=True)["loss"]
    variables = (*model.trainable_variables, *parameters(model.target))
    queues = [queue.keys.numpy() for queue in model.queues]
    return [loss, *numbers(variables), *queues]


def assert_same_step(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-6)


def test_multicrop_with_one_full_crop_is_ressl():
    views = random_views(tiny(ressl_tf.ReSSL))
    crops = ressl_tf.ReSSLMultiCrop.make_views(SIDE, (SIDE,), (0.2, 1.0))
    assert crops.names == ("strong0", "weak")
    single = tiny(ressl_tf.ReSSL)
    layers = single.online.backbone
    crop = ressl_tf.ReSSLMultiCrop(
        keras.models.clone_model(layers),
        **{name: getattr(single, name) for name in ressl_tf.ReSSL.options},
        mean=MEAN.tolist(),
        std=STD.tolist(),
        views=crops,
    )
    for source, copy in zip(single.variables, crop.variables, strict=True):
        copy.assign(source)
    crop.compile(ressl_tf.SGD(1.0, 0.0, 0.0), run_eagerly=True)
    first = after_a_step(single, views)
    second = after_a_step(crop, {"strong0": views["strong"], "weak": views["weak"]})
    assert_same_step(first, second)


def test_ressl_plus_without_predictor_and_warm_up_is_ressl():
    plain = tiny(ressl_tf.ReSSL)
    plus = tiny(ressl_tf.ReSSLPlus, predictor_depth=0, infonce_warmup_steps=0)
    plus.step.assign(0)  # where a warm-up would be in full force
    views = random_views(plain)
    assert_same_step(after_a_step(plain, views), after_a_step(plus, views))


def test_reco_without_its_two_terms_is_mocov2():
    views = random_views(tiny(ressl_tf.ReCo))
    reco = after_a_step(tiny(ressl_tf.ReCo, lambda1=0.0, lambda2=0.0), views)
    moco = after_a_step(tiny(ressl_tf.MoCoV2), views)
    assert_same_step(reco[:-1], moco)  # the last is the queue of weak keys


@pytest.mark.parametrize("options", [{"beta0": 0.0}, {"beta_schedule": "off"}])
def test_rsa_without_beta_on_weak_views_is_byol(options):
    views = random_views(tiny(ressl_tf.BYOL))
    first, second = views["strong1"], views["strong2"]
    same = {"weak1": first, "weak2": second, "strong1": first, "strong2": second}
    rsa = after_a_step(tiny(ressl_tf.RSA, **options), same)
    assert_same_step(rsa, after_a_step(tiny(ressl_tf.BYOL), views))


@pytest.mark.parametrize("cls", [ressl_tf.BYOL, ressl_tf.RSA])
def test_swapping_the_two_views_changes_nothing(cls):
    views = random_views(tiny(cls))
    swapped = {name: views[name[:-1] + "21"[int(name[-1]) - 1]] for name in views}
    assert_same_step(after_a_step(tiny(cls), views), after_a_step(tiny(cls), swapped))


def test_a_constant_beta_stays():
    half = tiny(ressl_tf.RSA, beta0=0.5, beta_schedule="constant")
    logs = half.train_on_batch(random_views(half), return_dict=True)
    assert logs["beta"] == pytest.approx(0.5)


def test_reco_mixes_each_query_with_the_key_of_another_image():
    """Every image has one value of its own: a pixel says where it comes from."""
    model = tiny(ressl_tf.ReCo)
    shape, number = (BATCH, 16, 16, 3), np.arange(BATCH)[:, None, None, None]
    views = {
        "query": np.full(shape, 0.0) + number,
        "key": np.full(shape, 100.0) + number,
    }
    views = {name: tf.constant(image, tf.float32) for name, image in views.items()}
    seen = set()
    for seed in range(12):
        mixed = model.mix_views(views, tf.constant([seed, 0]))
        pixels, partner = mixed["mixed"].numpy(), mixed["partner"].numpy()
        assert sorted(partner) == list(range(BATCH))
        pasted = pixels[0, :, :, 0] >= 100
        expected = np.where(
            pasted[None, :, :, None], 100 + partner[:, None, None, None], number
        )
        np.testing.assert_array_equal(pixels, np.broadcast_to(expected, shape))
        assert float(mixed["share"]) == pytest.approx(1 - pasted.mean())
        rows, columns = pasted.any(1), pasted.any(0)
        np.testing.assert_array_equal(pasted, rows[:, None] & columns[None])  # a box
        seen.add(pasted.tobytes())
    assert len(seen) > 6


def test_cutmix_boxes_are_distributed_as_the_papers():
    """Against NumPy's own draws, through the mean and the spread of the share."""
    images = tf.zeros((1, 32, 32, 3))

    @tf.function
    def shares():
        seeds = tf.stack([tf.range(4000), tf.zeros(4000, tf.int32)], axis=1)
        return tf.map_fn(
            lambda seed: mixing.cutmix(images, images, seed)[1],
            seeds,
            fn_output_signature=tf.float32,
        )

    generator, expected = np.random.default_rng(0), []
    for _ in range(20_000):
        half = int(32 * np.sqrt(1 - generator.beta(1, 1))) // 2
        centre = generator.integers(0, 32, 2)
        sides = np.clip(centre + half, 0, 32) - np.clip(centre - half, 0, 32)
        expected.append(1 - sides.prod() / 32**2)
    drawn = shares().numpy()
    assert drawn.mean() == pytest.approx(np.mean(expected), abs=0.015)
    assert drawn.std() == pytest.approx(np.std(expected), abs=0.015)


def test_mixup_is_a_weighted_mean():
    first, second = tf.fill((2, 4, 4, 3), 10.0), tf.fill((2, 4, 4, 3), 30.0)
    mixed, share = mixing.mixup(first, second, (1, 2))
    np.testing.assert_allclose(mixed, 10 * share + 30 * (1 - share), rtol=1e-6)
    draws = [float(mixing.mixup(first, second, (s, 0))[1]) for s in range(200)]
    assert np.mean(draws) == pytest.approx(0.5, abs=0.06)


def test_rsa_strong_views_are_the_weak_ones_in_other_colours():
    images = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3), dtype="uint8")
    plain = ressl_tf.RSA.make_views(8, jitter_p=0.0, grayscale_p=0.0, blur_p=0.0)
    views = {
        name: view.numpy() for name, view in plain(images, tf.constant([0, 1])).items()
    }
    np.testing.assert_allclose(views["strong1"], views["weak1"], atol=1e-3)
    np.testing.assert_allclose(views["strong2"], views["weak2"], atol=1e-3)
    assert np.abs(views["weak1"] - views["weak2"]).max() > 1
    grey = ressl_tf.RSA.make_views(8, jitter_p=0.0, grayscale_p=1.0, blur_p=0.0)
    views = {
        name: view.numpy() for name, view in grey(images, tf.constant([0, 1])).items()
    }
    luma = views["weak2"] @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(views["strong2"], luma[..., None].repeat(3, -1), atol=1)


@pytest.mark.parametrize("cls", [ressl_tf.MoCoV2, ressl_tf.ReCo, ressl_tf.BYOL])
def test_two_strong_views_are_independent(cls):
    images = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3), dtype="uint8")
    views = list(cls.make_views(8)(images, tf.constant([0, 1])).values())
    assert np.abs(views[0].numpy() - views[1].numpy()).max() > 1


def test_multicrop_sizes_and_scales_are_the_papers():
    published = [
        (0.2, 1),
        (0.172, 0.86),
        (0.143, 0.715),
        (0.114, 0.571),
        (0.086, 0.429),
    ]
    views = ressl_tf.ReSSLMultiCrop.make_views(224)
    assert list(views.sizes.values()) == [224, 192, 160, 128, 96, 224]
    crops = [view.geometric[0] for view in views.views.values()]
    for crop, pair in zip(crops, [*published, (0.2, 1)], strict=True):
        assert crop.scale == pytest.approx(pair, abs=0.004)
    small = ressl_tf.ReSSLMultiCrop.make_views(32)
    assert list(small.sizes.values()) == [32, 27, 23, 18, 14, 32]
    own = ressl_tf.ReSSLMultiCrop.make_views(32, (32.0, 16.0), (0.2, 1, 0.05, 0.3))
    assert own.views["strong1"].geometric[0].scale == (0.05, 0.3)


@pytest.mark.parametrize(
    ("sizes", "scales", "message"),
    [
        ((16,), (0.2, 1, 0.1), "3 numbers for 1 crops"),
        ((32,), (), r"at most image_size=16"),
        ((8.5,), (), "whole number"),
    ],
)
def test_crops_that_cannot_be_are_refused(sizes, scales, message):
    with pytest.raises(UsageError, match=message):
        ressl_tf.ReSSLMultiCrop.make_views(16, sizes, scales)
