"""The compiled loop over images against the layers, with the same draws."""

import time

import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_views as reference

from ressl_tf.data.augment import compiled_loop, operations
from ressl_tf.data.augment import layers as augment
from ressl_tf.data.augment.seeded import to_images, to_planes
from ressl_tf.data.augment.views import View, Views, strong_view, weak_view
from ressl_tf.runtime import switches
from ressl_tf.runtime.errors import UsageError

LAYERS = (  # three of them twice: in any order, and as often as a view likes
    augment.RandomSolarize(0.5, threshold=100),
    augment.ColorJitter(0.4, 0.3, 0.8, 0.1, p=0.8),
    augment.RandomGrayscale(0.3),
    augment.GaussianBlur(0.6),
    augment.RandomSolarize(0.3, threshold=180),
)


def by_layers(images, layers, drawn):
    """Apply each layer to the batch of those before it."""
    planes = to_planes(tf.cast(images, tf.float32))
    for layer, draws in zip(layers, drawn, strict=True):
        planes = layer.augment_planes(planes, draws)
    return to_images(planes)


def drawn_by(layers, images):
    return [layer.sample(images, (3, seed)) for seed, layer in enumerate(layers)]


def test_it_paints_as_the_layers_do():
    images = reference.photos(40, height=20, width=13)
    drawn = drawn_by(LAYERS, images)
    ours = compiled_loop.paint(images, LAYERS, operations.plan(LAYERS, drawn))
    # A value at a threshold may fall on either side of it: for some few.
    error = np.abs(ours - by_layers(images, LAYERS, drawn))
    assert np.mean(error > 2e-3) < 1e-3


@pytest.mark.parametrize(
    ("source", "size", "antialias"),
    [((48, 40), 24, True), ((48, 40), 24, False), ((20, 90), 31, True)],
)
def test_it_crops_as_the_definition_says(source, size, antialias):
    images = reference.photos(6, height=source[0], width=source[1])
    layer = augment.RandomResizedCrop(size, (0.1, 1.0), flip_p=0.5)
    placed = layer.place(images.shape[1:3], layer.sample(images, (1, 2)))
    assert 0 < np.sum(placed["mirrored"]) < 6
    ours = compiled_loop.crop(images, **{**placed, "antialias": antialias})
    drawn = (placed[key].numpy() for key in ("boxes", "mirrored"))
    for image, own, box, mirrored in zip(images, ours.numpy(), *drawn, strict=True):
        truth = reference.crop_and_resize(image, box, size, antialias)
        truth = truth[:, ::-1] if mirrored else truth
        np.testing.assert_allclose(own, truth, atol=2e-3)


def test_the_plan_holds_what_was_drawn_in_its_order():
    images = np.zeros([200, 8, 8, 3])
    drawn = drawn_by(LAYERS[:3], images)
    kinds, amounts, counts = map(np.array, operations.plan(LAYERS[:3], drawn))
    first, jitter, grey = (
        {k: np.array(v) for k, v in d.items()} if isinstance(d, dict) else d.numpy()
        for d in drawn
    )
    group = np.argsort(jitter["order"]) // 50
    for i in range(200):
        blends = list(zip(jitter["kinds"][i], jitter["factors"][i], strict=True))
        blends.insert(group[i], (operations.HUE, jitter["shift"][i]))
        steps = [(operations.SOLARIZE, 100)] * int(first[i])
        steps += blends * int(jitter["shift"][i] != 0) + [(operations.GREY, 0)] * int(
            grey[i]
        )
        count = counts[i]
        assert count == len(steps)
        assert list(zip(kinds[i], amounts[i], strict=True))[:count] == steps


def views(compiled):
    """Return a view, one of its finished images, and one that the loop cannot take."""
    flipped = View([augment.RandomResizedCrop(16), augment.RandomHorizontalFlip()])
    painted = View(photometric=strong_view(16).photometric, source="weak")
    named = {"weak": weak_view(16), "painted": painted, "flipped": flipped}
    return Views(named, compiled=compiled)


@pytest.mark.slow
def test_views_are_those_of_the_layers_together_and_in_two_parts():
    images, seed = tf.constant(reference.photos(5)), tf.constant([1, 2])
    layered, compiled = views(False), views(True)
    expected = layered(images, seed)
    parts = compiled.photometric(compiled.geometric(images, seed), seed)
    for finished in (compiled(images, seed), parts):
        assert finished.keys() == expected.keys()
        for name, view in finished.items():
            assert view.dtype == tf.float32
            np.testing.assert_allclose(view, expected[name], atol=5e-3)


@pytest.mark.slow
def test_a_data_set_compiles_them_and_yields_the_same_bytes_in_parallel(monkeypatch):
    loops = []
    loop = compiled_loop._loop

    def counted(*key, **ends):
        loops.append(key)
        return loop(*key, **ends)

    monkeypatch.setattr(compiled_loop, "_loop", counted)
    batches = np.stack([reference.photos(5)] * 6)
    pair = views(None)

    def run(parallel):
        dataset = tf.data.Dataset.from_tensor_slices(batches).enumerate()
        dataset = dataset.map(
            lambda i, images: pair(images, tf.stack([0, tf.cast(i, tf.int32)])),
            num_parallel_calls=parallel,
        )
        return list(dataset.as_numpy_iterator())

    alone, together = run(1), run(3)
    assert loops
    assert np.abs(alone[0]["painted"] - alone[1]["painted"]).mean() > 1
    for one, other in zip(alone, together, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.slow
def test_other_draws_do_not_compile_anew():
    images = tf.constant(reference.photos(3))
    run = tf.function(Views({"strong": strong_view(17)}, compiled=True))

    def seconds(seed):
        start = time.process_time()
        run(images, tf.constant([1, seed]))
        return time.process_time() - start

    first, *later = map(seconds, range(4))
    assert max(later) < first / 4


def test_an_image_smaller_than_the_blur_kernel_is_refused():
    layer, images = augment.GaussianBlur(1.0), reference.photos(2, height=6, width=20)
    plan = operations.plan([layer], drawn_by([layer], images))
    with pytest.raises(UsageError, match="at least 7 pixels"):
        compiled_loop.paint(images, [layer], plan)


def test_no_kernel_of_a_view_is_cut_up_for_several_threads():
    images = tf.zeros([2, 240, 240, 3], tf.uint8)  # large enough for XLA to do so
    layer = augment.RandomResizedCrop(224)
    placed = layer.place(images.shape[1:3], layer.sample(images, (1, 2)))
    run = compiled_loop._loop((224, True), frozenset())
    compiled = run.experimental_get_compiler_ir(
        images, (placed["boxes"], placed["mirrored"]), ()
    )
    assert "outer_dimension_partitions" not in compiled(stage="optimized_hlo")


def test_flags_of_xla_are_kept_and_passes_that_a_user_disabled_stay_so():
    flag = "--xla_disable_hlo_passes=cpu-parallel-task-assigner"
    assert switches.one_thread_each("") == flag
    assert switches.one_thread_each("--xla_a=1") == f"--xla_a=1 {flag}"
    own = "--xla_disable_hlo_passes=fusion"
    assert switches.one_thread_each(own) == own
