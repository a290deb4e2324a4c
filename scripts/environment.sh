# Builds .venv on first use and keeps it true to its lock file; silent when there is nothing to do. Sourced, not run.
# ensure_environment runtime | dev

say() { printf 'scalpctl: %s\n' "$*" >&2; }

find_python() {
  local candidate
  for candidate in "${SCALPCTL_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  say "no Python 3.11 or newer was found; install one, or name it in SCALPCTL_PYTHON"
  return 1
}

make_with_uv() {
  uv venv --quiet --allow-existing --python "$2" "$root/.venv" >&2 &&
    uv pip install --quiet --python "$root/.venv/bin/python" --require-hashes --compile-bytecode -r "$1" >&2
}

make_with_pip() {
  if ! "$2" -c 'import ensurepip, venv' 2>/dev/null; then
    say "this Python ($2) cannot make environments: its ensurepip or venv module is missing"
    say "on Debian and Ubuntu: apt install python3-venv, or install uv; then run this again"
    return 1
  fi
  [ -x "$root/.venv/bin/pip" ] || "$2" -m venv "$root/.venv" >&2 || return 1
  "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --compile \
    --require-hashes --only-binary :all: -r "$1" >&2
}

build_environment() {
  local kind=$1 lock=$root/scripts/requirements/$1.txt python
  python=$(find_python) || return 78
  say "setting up $root/.venv ($kind, once)"
  rm -f "$root"/.venv/.lock-*.txt
  if command -v uv >/dev/null 2>&1; then
    make_with_uv "$lock" "$python" || return 78
  else
    make_with_pip "$lock" "$python" || return 78
  fi
  "$root/.venv/bin/python" - "$root" <<'PYTHON' || return 78
import compileall, pathlib, sys, sysconfig
root = pathlib.Path(sys.argv[1])
site = pathlib.Path(sysconfig.get_paths()["purelib"])
(site / "scalpctl-checkout.pth").write_text(f"{root}\n")
compileall.compile_dir(root / "scalpctl", quiet=2)
script = pathlib.Path(sys.prefix) / "bin" / "scalpctl"
script.write_text(f"#!{sys.executable}\nfrom scalpctl.cli.entry import main\nmain()\n")
script.chmod(0o755)
PYTHON
  [ "$kind" = dev ] && cp "$root/scripts/requirements/runtime.txt" "$root/.venv/.lock-runtime.txt"
  cp "$lock" "$root/.venv/.lock-$kind.txt"
  say "ready"
}

ensure_environment() {
  cmp -s "$root/scripts/requirements/$1.txt" "$root/.venv/.lock-$1.txt" && return 0
  unset VIRTUAL_ENV PYTHONHOME PYTHONPATH
  exec 9>"$root/.venv-lock"
  if command -v flock >/dev/null 2>&1; then
    flock -n 9 || { say "another setup is running; waiting for it"; flock 9; }
  fi
  local status=0
  cmp -s "$root/scripts/requirements/$1.txt" "$root/.venv/.lock-$1.txt" || build_environment "$1" || status=$?
  exec 9>&-  # what is started next would keep the lock for as long as it lives
  return "$status"
}
