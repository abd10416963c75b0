#!/usr/bin/env bash
# Times pefd and PyTorch side by side on this machine, in one command:
#
#   scripts/bench-gpu.sh [FOLDER]        (default: bench)
#
# Writes FOLDER/bench.json (both documents and the machine) and FOLDER/bench.md (one table). PEFD_PYTHON names a Python
# that has PyTorch; without one, or where it has none, only pefd is timed. BATCH_SIZE sets the batch of both (64).
# DISTILL names methods, with commas between them, or is `all`: then they are timed, and nothing else; MODEL names a model
# whose training is, and nothing else. ROUNDS is how often the two take turns (1 on a GPU, 3 on a CPU, whose slow
# minutes are to meet both); the medians of the rounds count.
# It is meant for a GPU; on a CPU it runs as well, with the engines that a CPU has.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${1:-bench}
python=${PEFD_PYTHON:-python3}
batch=${BATCH_SIZE:-64}
ours=(${DISTILL:+--distill "$DISTILL"} ${MODEL:+--what teacher --model_t "$MODEL"})
theirs=(${DISTILL:+--distill "$DISTILL"} ${MODEL:+--what teacher --teacher "$MODEL"})

mkdir -p "$folder"
[ -f "$root/dist/cli/main.js" ] || (cd "$root" && npm run --silent build)

machine=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | head -n 1 || true)
rounds=${ROUNDS:-$([ -n "$machine" ] && echo 1 || echo 3)}

has_pytorch=true
"$python" -c 'import torch' 2>/dev/null || has_pytorch=false
$has_pytorch || echo "skipping PyTorch: $python cannot import torch (PEFD_PYTHON names another Python)." >&2

documents=()
for ((round = 1; round <= rounds; round++)); do
  echo "pefd: every engine and precision (round $round of $rounds)" >&2
  node "$root/bin/pefd.js" bench --batch_size "$batch" "${ours[@]}" --json >"$folder/pefd-$round.json"
  documents+=("$folder/pefd-$round.json")
  $has_pytorch || continue
  echo "PyTorch: the same work" >&2
  "$python" "$root/scripts/bench-pytorch.py" --batch-size "$batch" "${theirs[@]}" --json >"$folder/pytorch-$round.json"
  documents+=("$folder/pytorch-$round.json")
done

MACHINE=$machine node "$root/scripts/bench-merge.js" "$folder" "${documents[@]}"
