#!/usr/bin/env bash
# One hour on a machine with GPUs: tests marked for them, every part of the bench in float32, TF32,
# bfloat16, with XLA on and off, on 1, 2, ... all devices, and five epochs of CIFAR-10. Packs what
# came out into gpu_day.json, with a table. A part that fails is named there; the others go on.
#
#     scripts/gpu_day.sh                       # needs an NVIDIA driver; installs TensorFlow's CUDA
#     SECONDS_EACH=.1 FLAGS="--width=0.0625" scripts/gpu_day.sh   # a trial of the script itself
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
install gpu requirements.txt tests/requirements.txt || exit 1
if command -v nvidia-smi >/dev/null; then
  version=$("$VENV_PYTHON" -c 'import importlib.metadata as m; print(m.version("tensorflow"))')
  "$VENV_PYTHON" -m pip install --quiet "tensorflow[and-cuda]==$version" || exit 1
fi
OUT=${OUT:-gpu_day}
SECONDS_EACH=${SECONDS_EACH:-3}
FLAGS=${FLAGS:---backbone=resnet50 --image_size=224 --stem=standard --batch_size=128}
DEVICES=$("$VENV_PYTHON" - <<'PYTHON' 2>/dev/null
import tensorflow as tf
print(len(tf.config.list_physical_devices("GPU")))
PYTHON
)
mkdir -p "$OUT"

# part NAME COMMAND...: keeps the output, and the last line of it, which is JSON.
part() {
  local name=$1 begin=$SECONDS
  shift
  echo "$name: $*" >&2
  "$@" >"$OUT/$name.out" 2>"$OUT/$name.err"
  echo "{\"status\": $?, \"seconds\": $((SECONDS - begin)), \"command\": \"${*//\"/\\\"}\"}" \
    >"$OUT/$name.about"
}

bench() {
  local name=$1
  shift
  # shellcheck disable=SC2086
  part "$name" env NVIDIA_TF32_OVERRIDE="${TF32:-0}" "$VENV_PYTHON" -m ressl_tf.bench \
    --seconds="$SECONDS_EACH" --repeats=3 $FLAGS "$@"
}

part tests "$VENV_PYTHON" -m pytest -q -m gpu tests/test_on_gpu.py
for part in views pipeline loss queue embed; do
  bench "$part" --part="$part" --peers=none
done
bench step_float32 --part=step
TF32=1 bench step_tf32 --part=step
TF32=1 bench step_bfloat16 --part=step --mixed_precision=bfloat16
TF32=1 bench step_bfloat16_without_xla --part=step --mixed_precision=bfloat16 --jit_compile=off
counts=()
for count in 1 2 4 8 16; do
  [ "$count" -lt "${DEVICES:-0}" ] && counts+=("$count")
done
[ "${DEVICES:-0}" -gt 0 ] && counts+=("$DEVICES")
for count in "${counts[@]}"; do
  # shellcheck disable=SC2086
  part "devices_$count" env CUDA_VISIBLE_DEVICES="$(seq -s, 0 $((count - 1)))" \
    "$VENV_PYTHON" -m ressl_tf.train --dataset=shapes $FLAGS --batch_size=$((128 * count)) \
    --mixed_precision=bfloat16 --knn_every=0 --epochs=1 --max_steps=100 --warmup_epochs=0 \
    --workdir="$OUT/devices_$count"
done
part cifar10 "$VENV_PYTHON" -m ressl_tf.train --flagfile=configs/r18_cifar10.flags --download \
  --epochs="${EPOCHS:-5}" --warmup_epochs=0 --workdir="$OUT/cifar10" ${CIFAR_FLAGS:-}
"$VENV_PYTHON" scripts/gpu_day.py "$OUT" gpu_day.json
