#!/usr/bin/env bash
# Sets everything up, checks the style and runs the tests: the fast ones, then the slow.
#   scripts/test.sh          all of them
#   scripts/test.sh fast     the fast ones only
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
install test requirements.txt tests/requirements.txt
"$VENV_PYTHON" -m ruff check .
"$VENV_PYTHON" -m ruff format --check .
# A process a core, four at most: each holds a TensorFlow of its own.
tests=("$VENV_PYTHON" -m pytest -n auto --maxprocesses=4 --dist=loadfile --durations=10)
if [ "${1:-all}" = fast ]; then
  exec "${tests[@]}" -m "not slow"
fi
"${tests[@]}" -m "not slow"
"${tests[@]}" -m slow
