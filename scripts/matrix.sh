#!/usr/bin/env bash
# Tries the wheel on every Python from 3.10 to 3.13 that the machine has, each in a fresh
# environment outside of the checkout: install, import, quick tests, demo of 20 steps.
#   scripts/matrix.sh              all of them, with the newest allowed dependencies
#   scripts/matrix.sh 3.12         one
#   scripts/matrix.sh lowest 3.11  with the lowest versions that pyproject.toml allows
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
  if [ -n "$LOWEST" ]; then # tensorflow>=2.20,<2.22 -> tensorflow==2.20.*
    sed -n '/^dependencies/,/^]/s/^ *"\([a-zA-Z_-]*\)>=\([0-9.]*\).*/\1==\2.*/p' \
      "$ROOT/pyproject.toml" >"$constraints"
  fi
  "$python" -m pip install --quiet -c "$constraints" "$WORK"/dist/ressl_tf-*.whl \
    "pytest>=8" packaging
  cd "$WORK"
  "$venv/bin/ressl-tf" --version
  "$python" -c 'import ressl_tf; ressl_tf.ReSSL; print(ressl_tf.__file__)'
  cp -r "$ROOT/tests" "$ROOT/pyproject.toml" "$WORK/" # not the package's source
  "$python" -m pytest -q -m "not slow" -p no:cacheprovider tests/config tests/losses \
    tests/runtime/test_{atomic,flags,flag_files}.py tests/engine/test_schedules.py
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
    echo "$version: works: $(tail -1 "$WORK/log-$version")"
  else
    echo "$version: FAILED"; tail -20 "$WORK/log-$version"; failed=1
  fi
done
exit $failed
