# Sourced by the other scripts: a virtual environment with the pinned packages.
# Finds Python 3.10 or newer (or takes $PYTHON), makes .venv once, and installs again only
# when a requirements file has changed. Leaves the interpreter in $VENV_PYTHON.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=${RESSL_VENV:-$ROOT/.venv}
VENV_PYTHON=$VENV/bin/python
cd "$ROOT" || exit 1

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10 python}; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
      2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "error: no Python 3.10 to 3.13 found; install one or set PYTHON=/path/to/python" >&2
  return 1
}

make_venv() {
  local python
  python=$(find_python) || return 1
  echo "making $VENV with $("$python" --version)" >&2
  if ! "$python" -m venv "$VENV" >/dev/null 2>&1; then
    # Some systems ship Python without ensurepip; nothing is installed outside of here.
    rm -rf "$VENV"
    local tools=$VENV-tools
    "$python" -m pip install --quiet --target "$tools" virtualenv >&2 ||
      { echo "error: install python3-venv, or pip, for $python" >&2; return 1; }
    PYTHONPATH=$tools "$python" -m virtualenv --quiet "$VENV" >&2
    rm -rf "$tools"
  fi
}

# install NAME FILE...: installs requirement files, and this package as it stands here,
# unless these very ones are installed.
install() {
  local stamp=$VENV/installed-$1 want
  shift
  want=$(cat "$@" pyproject.toml | cksum)
  if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
    echo "installing $* (minutes the first time)" >&2
    local files=()
    for file in "$@"; do files+=(-r "$file"); done
    local pip=("$VENV_PYTHON" -m pip install --quiet --disable-pip-version-check)
    "${pip[@]}" "${files[@]}" >&2 || return 1
    "${pip[@]}" --no-deps --no-build-isolation --editable . >&2 || return 1
    echo "$want" >"$stamp"
  fi
}

"$VENV_PYTHON" -c '' 2>/dev/null || make_venv || exit 1
