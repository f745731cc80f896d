#!/usr/bin/env bash
# Installs the wheel beside the current releases of other packages, in a fresh environment:
# pip must change none of their versions, and all of them must still work.
#   scripts/beside.sh                    pandas, pillow, opencv-python-headless, torch
#   scripts/beside.sh pandas torch==2.13.0
# PYTHON names the interpreter.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
if [ $# = 0 ]; then set -- pandas pillow opencv-python-headless torch; fi

"${PYTHON:-python3}" -m venv "$WORK/venv"
python=$WORK/venv/bin/python
"$python" -m pip install --quiet --upgrade pip setuptools wheel
"$python" -m pip install --quiet "$@"
"$python" -m pip list --format=freeze | sort >"$WORK/before"
(cd "$ROOT" && "$python" -m pip wheel --quiet --no-deps -w "$WORK/dist" .)
"$python" -m pip install --quiet "$WORK"/dist/ressl_tf-*.whl
"$python" -m pip list --format=freeze | sort >"$WORK/after"
if changed=$(comm -23 "$WORK/before" "$WORK/after") && [ -n "$changed" ]; then
  echo "changed or removed: $changed"
  exit 1
fi
"$python" -m pip check
cd "$WORK"
"$python" - <<'PY'
import importlib.util

import numpy as np

import ressl_tf

assert ressl_tf.weak_view(8)  # TensorFlow and Keras are loaded
image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
if importlib.util.find_spec("cv2"):
    import cv2

    assert (cv2.imdecode(cv2.imencode(".png", image)[1], 1) == image).all()
if importlib.util.find_spec("PIL"):
    from PIL import Image

    assert (np.asarray(Image.fromarray(image)) == image).all()
if importlib.util.find_spec("pandas"):
    import pandas

    assert pandas.DataFrame({"a": [1, 2]})["a"].sum() == 3
if importlib.util.find_spec("torch"):
    import torch

    assert float((torch.ones(2, 2) @ torch.ones(2, 2)).sum()) == 8
PY
"$WORK/venv/bin/ressl-tf" demo --max_steps=5 --knn_every=0 --workdir="$WORK/demo" >/dev/null
echo "unchanged: $(grep -iE "^($(printf '%s|' "${@%%[<=>]*}")numpy)==" "$WORK/after" | tr '\n' ' ')"
