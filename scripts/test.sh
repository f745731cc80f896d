#!/usr/bin/env bash
# Set everything up, check style and types, and run tests.
#   scripts/test.sh          all of them, the fast ones first; then the pages (docs.sh)
#   scripts/test.sh fast     the fast ones only
#   scripts/test.sh quick    in seconds: style, flags, tables, losses, schedules, layout
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
install test requirements.txt tests/requirements.txt
"$VENV_PYTHON" -m ruff check .
"$VENV_PYTHON" -m ruff format --check .
if [ "${1:-all}" = quick ]; then
  # One process: a second import of TensorFlow takes longer than these tests.
  exec "$VENV_PYTHON" -m pytest -q -m "not slow" tests/config tests/losses \
    tests/runtime/test_{atomic,flags}.py tests/engine/test_schedules.py \
    tests/sweeps/test_{grid,sweep_table}.py tests/test_architecture.py
fi
"$VENV_PYTHON" -m mypy
# A process a core, four at most: each holds a TensorFlow of its own.
tests=("$VENV_PYTHON" -m pytest -n auto --maxprocesses=4 --dist=loadfile --durations=10)
if [ "${1:-all}" = fast ]; then
  exec "${tests[@]}" -m "not slow"
fi
"${tests[@]}" -m "not slow"
"${tests[@]}" -m slow
scripts/docs.sh
