#!/usr/bin/env bash
# Times pefd and PyTorch side by side on this machine, in one command:
#
#   scripts/bench-gpu.sh [FOLDER]        (default: bench)
#
# Writes FOLDER/bench.json (both documents and the machine) and FOLDER/bench.md (one table). PEFD_PYTHON names a Python
# that has PyTorch; without one, or where it has none, pefd is timed alone. BATCH_SIZE sets the batch of both (64).
# DISTILL names methods, with commas between them, or is `all`: then they are timed, and nothing else.
# It is meant for a GPU; on a processor it runs as well, with the engines that a processor has.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${1:-bench}
python=${PEFD_PYTHON:-python3}
batch=${BATCH_SIZE:-64}
chosen=(${DISTILL:+--distill "$DISTILL"})

mkdir -p "$folder"
[ -f "$root/dist/cli/main.js" ] || (cd "$root" && npm run --silent build)

echo "pefd: every engine and precision" >&2
node "$root/bin/pefd.js" bench --batch_size "$batch" "${chosen[@]}" --json >"$folder/pefd.json"

pytorch=()
if "$python" -c 'import torch' 2>/dev/null; then
  echo "PyTorch: the same work" >&2
  "$python" "$root/scripts/bench-pytorch.py" --batch-size "$batch" "${chosen[@]}" --json >"$folder/pytorch.json"
  pytorch=("$folder/pytorch.json")
else
  echo "PyTorch is left out: $python cannot import torch (PEFD_PYTHON names another Python)." >&2
fi

machine=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | head -n 1 || true)
MACHINE=$machine node "$root/scripts/bench-merge.js" "$folder" "$folder/pefd.json" "${pytorch[@]}"
