#!/usr/bin/env bash
# Tries the wheel on every Python from 3.10 to 3.13 that the machine has, each in a fresh
# environment outside of the checkout: install, import, quick tests, demo of 20 steps.
#   scripts/matrix.sh              all of them, with the newest allowed dependencies
#   scripts/matrix.sh 3.12         one
#   scripts/matrix.sh lowest 3.11  with the lowest versions that pyproject.toml allows, the
#                                  extras parquet and search among them
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LOWEST=
if [ "${1:-}" = lowest ]; then LOWEST=1; shift; fi
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

find_python() { # Python of a version, also where pyenv keeps it
  local candidate
  for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
    if "$candidate" -c '' 2>/dev/null; then echo "$candidate"; return; fi
  done
}

try() { # try VERSION PYTHON
  local venv=$WORK/venv-$1 constraints=$WORK/constraints-$1
  "$2" -m venv "$venv"
  local python=$venv/bin/python
  "$python" -m pip install --quiet --upgrade pip setuptools wheel
  (cd "$ROOT" && "$python" -m pip wheel --quiet --no-deps -w "$WORK/dist" .)
  : >"$constraints"
  local extras=
  if [ -n "$LOWEST" ]; then # tensorflow>=2.20,<2.22 -> tensorflow==2.20
    sed -n -E '/^dependencies|^(parquet|search) =/,/\]/s/^[^"]*"([a-zA-Z0-9_-]+)>=([0-9.]+).*/\1==\2/p' \
      "$ROOT/pyproject.toml" >"$constraints"
    extras="[parquet,search]"
  fi
  local wheel
  wheel=$(echo "$WORK"/dist/ressl_tf-*.whl)
  "$python" -m pip install --quiet -c "$constraints" "$wheel$extras" \
    "pytest>=8" pytest-timeout hypothesis packaging
  echo "versions: $("$python" -m pip list --format=freeze |
    grep -iE '^(tensorflow|keras|keras-cv|tensorflow-datasets|absl-py|tensorboard|numpy|scipy|scikit-learn|matplotlib|jinja2|threadpoolctl|importlib_resources|protobuf|pyarrow|usearch)==' |
    tr '\n' ' ')"
  cd "$WORK"
  "$venv/bin/ressl-tf" --version
  "$python" -c 'import ressl_tf; ressl_tf.ReSSL; print(ressl_tf.__file__)'
  cp -r "$ROOT/tests" "$ROOT/pyproject.toml" "$WORK/" # not the package's source
  # The tests take warnings for errors. Old libraries warn of new ones that they import:
  # matplotlib 3.9 of pyparsing.
  "$python" -m pytest -q -m "not slow" -p no:cacheprovider ${LOWEST:+-W default} tests/config tests/losses \
    tests/runtime/test_{atomic,flags,flag_files}.py tests/engine/test_schedules.py \
    tests/data/augment/test_views.py tests/models/backbones/test_resnet.py \
    tests/methods/test_ressl.py tests/engine/test_checkpoint.py \
    tests/evaluate/embeddings/test_{table_files,approximate}.py
  "$venv/bin/ressl-tf" demo --max_steps=20 --knn_every=0 --workdir="$WORK/demo-$1"
}

VERSIONS=${*:-3.10 3.11 3.12 3.13}
failed=0
for version in $VERSIONS; do
  python=$(find_python "$version")
  if [ -z "$python" ]; then
    echo "$version: not on this machine"
    continue
  fi
  set +e # in a condition, bash would go on after a failure
  (set -e; try "$version" "$python") >"$WORK/log-$version" 2>&1
  status=$?
  set -e
  if [ "$status" = 0 ]; then
    grep -E '^versions: | passed' "$WORK/log-$version"
    echo "$version: works: $(tail -1 "$WORK/log-$version")"
  else
    echo "$version: FAILED"; tail -20 "$WORK/log-$version"; failed=1
  fi
done
exit $failed
