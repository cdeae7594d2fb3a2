#!/bin/sh
# Sets up .venv from the committed lock. Needs Python 3.11–3.13 and a package index; uv only makes it faster.
set -eu
cd "$(dirname "$0")/.."
unset VIRTUAL_ENV PYTHONHOME || true

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; }

python=""
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
  if supported "$candidate"; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
  echo "需要 Python 3.11–3.13，未找到。/ Python 3.11–3.13 is needed and was not found (set PYTHON=/path/to/python3)." >&2
  exit 4
fi

wanted=$(cat requirements.lock pyproject.toml | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
if [ -x .venv/bin/python ] && [ "$(cat .venv/.installed 2>/dev/null || true)" = "$wanted" ]; then exit 0; fi

echo "[setup] $("$python" --version): 建立 .venv / making .venv"
if ! "$python" -m venv --clear .venv; then
  echo "venv 不可用：请安装 python3-venv。/ The venv module is missing: install python3-venv." >&2
  exit 4
fi
echo "[setup] 安装锁定的依赖 / installing the locked dependencies"
export UV_SYSTEM_CERTS=1 UV_LINK_MODE=copy
if .venv/bin/python -m pip install -q --disable-pip-version-check uv==0.13.9 2>/dev/null \
  && .venv/bin/uv pip install -q --python .venv/bin/python --require-hashes -r requirements.lock; then
  .venv/bin/uv pip install -q --python .venv/bin/python --no-deps -e .
else
  echo "[setup] uv 不可用，改用 pip（数分钟）/ without uv: pip takes some minutes"
  .venv/bin/python -m pip install -q --disable-pip-version-check --upgrade "pip>=24"
  .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off -q --no-deps --require-hashes -r requirements.lock
  .venv/bin/python -m pip install --disable-pip-version-check -q --no-deps -e .
fi
echo "$wanted" > .venv/.installed
echo "[setup] 完成 / done"
