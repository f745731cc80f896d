#!/usr/bin/env bash
# Sets everything up, checks the style and runs the tests: the fast ones, then the slow.
#   scripts/test.sh          all of them
#   scripts/test.sh fast     the fast ones only
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
install test requirements.txt tests/requirements.txt
"$VENV_PYTHON" -m ruff check .
"$VENV_PYTHON" -m ruff format --check .
if [ "${1:-all}" = fast ]; then
  exec "$VENV_PYTHON" -m pytest -m "not slow"
fi
"$VENV_PYTHON" -m pytest -m "not slow"
"$VENV_PYTHON" -m pytest -m slow
