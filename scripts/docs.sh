#!/usr/bin/env bash
# Builds the site of documentation into site/, warnings as errors, without network once
# its tools are installed, in an environment of its own. Open site/index.html.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
RESSL_VENV=${RESSL_DOCS_VENV:-$PWD/.venv-docs}
source scripts/setup.sh
tools=docs/requirements.txt
if ! cmp -s "$tools" "$VENV/installed-docs"; then
  echo "installing $tools" >&2
  # absl: the flags, from which the pages of commands are made; TensorFlow is not needed.
  "$VENV_PYTHON" -m pip install --quiet --disable-pip-version-check -r "$tools" \
    "$(grep '^absl-py==' requirements.txt)" >&2
  cp "$tools" "$VENV/installed-docs"
fi
# Notices of the tools about their own future, which are no fault of the pages.
export NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true
# Not --quiet: it hides warnings from --strict, too.
exec "$VENV_PYTHON" -m mkdocs build --strict --site-dir site "$@"
