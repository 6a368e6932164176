# Sourced by scripts/run and scripts/test: makes .venv in the checkout and installs what is needed into it, once.
# Needs Python >= 3.11 on the PATH, and the network the first time or after pyproject.toml has changed.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv"
python="$venv/bin/python"

find_python() {
  local candidate
  for candidate in python3.13 python3.12 python3.11 python3 python3.14 python; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
  {
    echo "neuromap: error: needs Python >= 3.11 with its venv module on the PATH, found none;"
    echo "  install one, for example: apt-get install python3 python3-venv"
  } >&2
  return 1
}

# install_into_venv EXTRA: EXTRA is run or test. Done again only if pyproject.toml, the checkout's place or the
# Python has changed; an environment installed for the tests is enough for a run.
install_into_venv() {
  local extra="$1" wanted stamp found base
  if ! "$python" -c '' >/dev/null 2>&1; then
    base="$(find_python)" || return 1
    echo "neuromap: making $venv with $("$base" --version) (once, a minute or two)" >&2
    "$base" -m venv --clear "$venv" || return 1
  fi
  wanted="$("$python" - "$root" <<'PY'
import hashlib, pathlib, sys
root = pathlib.Path(sys.argv[1])
print(hashlib.sha256((root / "pyproject.toml").read_bytes() + f"{root}{sys.version}".encode()).hexdigest())
PY
)"
  for stamp in "$extra" test; do
    found="$(cat "$venv/.neuromap-$stamp" 2>/dev/null || true)"
    if [[ "$found" == "$wanted" ]]; then
      return
    fi
  done
  local target="$root"
  if [[ "$extra" == test ]]; then
    target="$root[test]"
  fi
  echo "neuromap: installing into $venv" >&2
  if ! "$python" -m pip install --quiet --disable-pip-version-check --no-input --editable "$target" >&2; then
    echo "neuromap: error: the installation failed; it needs the network (or a package index in PIP_INDEX_URL)" >&2
    return 1
  fi
  echo "$wanted" >"$venv/.neuromap-$extra"
}

# HOME may be missing or not writable; matplotlib then builds its font cache again at every start.
export MPLCONFIGDIR="${MPLCONFIGDIR:-$venv/cache/matplotlib}"
