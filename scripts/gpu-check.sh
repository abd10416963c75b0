#!/usr/bin/env bash
# What to run first on a machine with a GPU, to see whether pefd works there and how fast; under ten minutes.
#
#   scripts/gpu-check.sh [--data DIR] [--checkpoint FILE] [--report FILE] [--quick]
#
#   --data DIR         CIFAR-100's binary files (default: data/cifar-100-binary); without them, synthetic images
#   --checkpoint FILE  a trained teacher, such as ckpt_epoch_240.pth of resnet32x4, to evaluate and to distil from
#   --report FILE      where the report goes (default: gpu-report.md); send it with whatever you tell about that GPU
#   --quick            small numbers of everything, a check of this script itself
#
# PEFD_PYTHON names a Python with PyTorch, whose times then stand beside pefd's. Nothing stops the check early: a part
# that fails or takes too long is told, and the next one follows.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=data/cifar-100-binary
checkpoint=
report=gpu-report.md
quick=
while [ $# -gt 0 ]; do
  case $1 in
    --data | --checkpoint | --report)
      [ $# -gt 1 ] || { echo "$1 needs a value." >&2; exit 2; }
      declare "${1#--}=$2"
      shift 2
      ;;
    --quick) quick=yes && shift ;;
    *)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
      exit 2
      ;;
  esac
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$(dirname "$report")" && : >"$report" || { echo "$report cannot be written." >&2; exit 2; }
body=$scratch/body.md
table=$scratch/table.md
python=${PEFD_PYTHON:-python3}
# Programs compiled for this check alone: the first start is a cold one.
export PEFD_CACHE=$scratch/cache NO_COLOR=1

pefd() { node "$root/bin/pefd.js" "$@"; }

# golden ENGINE FILE...: products in whole float32, neither rounded to TF32 (golden.js) nor by Triton's kernels.
golden() {
  XLA_FLAGS="${XLA_FLAGS:-} --xla_gpu_enable_triton_gemm=false" node "$root/scripts/golden.js" "${@:2}" --engine "$1"
}

# Puts before each line of a program the second at which it came.
stamped() {
  "$@" 2>&1 | while IFS= read -r line; do printf '%3d s  %s\n' "$SECONDS" "${line##*$'\r'}"; done
  return "${PIPESTATUS[0]}"
}

# same_bytes FOLDER COMMAND...: whether two runs end with the same weights.
same_bytes() {
  local trial hashes
  for trial in 1 2; do "${@:2}" --json >"$1/same-$trial.json" || return; done
  hashes=$(grep -h weightsSha256 "$1"/same-*.json | sort -u)
  echo "$hashes"
  [ "$(wc -l <<<"$hashes")" = 1 ] || { echo "The two runs ended with different weights."; return 1; }
}

machine() {
  nvidia-smi --query-gpu=name,compute_cap,driver_version,memory.total --format=csv,noheader || true
  uname -sr
  grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'
  echo "$(nproc) processors, $(free -g | awk '/^Mem/ { print $2 }') GB of memory"
  echo "Node.js $(node --version), pefd $(pefd --version)"
  git -C "$root" log -1 --format='commit %h of %cs' 2>/dev/null || true
}

export root
export -f pefd golden stamped same_bytes machine

# size FULL QUICK: a number for this run.
size() { if [ -n "$quick" ]; then echo "$2"; else echo "$1"; fi; }

TOTAL_SECONDS=590
started=$SECONDS
failed=0

# part TITLE SECONDS COMMAND...: runs a part of the check within a time and writes it into the report.
part() {
  local title=$1 limit=$2 log=$scratch/log code=0 from=$SECONDS left verdict
  shift 2
  left=$((TOTAL_SECONDS - (SECONDS - started)))
  [ "$limit" -le "$left" ] || limit=$left
  if [ "$limit" -lt 5 ]; then
    echo "| $title | left out: ten minutes are over | |" >>"$table"
    return 1
  fi
  echo "$title" >&2
  timeout -k 10 "$limit" bash -c '"$@"' part "$@" >"$log" 2>&1 || code=$?
  case $code in
    0) verdict=ok ;;
    124 | 137) verdict="stopped after $limit s" ;;
    *) verdict="FAILED (exit $code)" ;;
  esac
  [ "$code" = 0 ] || failed=$((failed + 1))
  echo "| $title | $verdict | $((SECONDS - from)) s |" >>"$table"
  {
    printf '## %s\n\n%s, %d s\n```\n' "$title" "$verdict" "$((SECONDS - from))"
    tail -n 40 "$log" | cut -c1-400
    printf '```\n\n'
  } >>"$body"
  [ "$code" = 0 ]
}

part "The machine" 30 machine
part "pefd doctor" 60 pefd doctor

if [ ! -f "$data/train.bin" ]; then
  data=$scratch/synthetic
  # 10 more than whole batches: the short batch at an epoch's end is part of the check.
  part "Synthetic images (there is no CIFAR-100 here)" 60 pefd data synthesize --out "$data" \
    --train "$(size 6410 42)" --test "$(size 2000 20)" --seed 0
fi

few="--batch_size $(size 64 16) --limit_test $(size 400 20) --limit_train"
# One teacher for all: that which was given, or one that has only just begun.
if [ -z "$checkpoint" ]; then
  part "A teacher's first steps" 120 pefd train-teacher --model "$(size resnet32x4 resnet8)" --data "$data" --epochs 1 \
    --save_dir "$scratch/teacher" $few "$(size 1290 42)"
  checkpoint=$(ls "$scratch"/teacher/models/*/*_last.safetensors 2>/dev/null | head -n 1)
fi
for precision in float32 bfloat16; do
  part "Evaluation of $(basename "$checkpoint") in $precision" 60 pefd eval --checkpoint "$checkpoint" --data "$data" \
    --precision "$precision" $([ -z "$quick" ] || echo --limit_test 20)
done

distill=(pefd distill --path_t "$checkpoint" --model_s "$(size resnet8x4 resnet8)" --distill ours --data "$data"
  --save_dir "$scratch/save" --force)
whole=(--batch_size "$(size 64 16)")
[ -z "$quick" ] || whole+=(--limit_train 42 --limit_test 20)
part "Distillation, cold start" 150 stamped "${distill[@]}" --epochs "$(size 2 1)" "${whole[@]}"
part "Distillation, warm start" 60 stamped "${distill[@]}" --epochs 1 "${whole[@]}"

files=("$root"/test/golden/{losses,trajectory_ours,trajectory_kd}.json)
engines="xla graph eager"
[ -z "$quick" ] || { files=("$root/test/golden/losses.json") && engines=graph; }
for engine in $engines; do
  part "Golden numbers, $engine engine" 120 golden "$engine" "${files[@]}"
done

bench=(pefd bench --batch_size "$(size 64 8)")
if [ -n "$quick" ]; then
  part "Step times" 120 "${bench[@]}" --engine graph --steps 1 --repeats 1 --test_images 20 --model_t resnet8 \
    --model_s resnet8
else
  part "Step times, xla engine" 150 "${bench[@]}" --engine xla --steps 256 --repeats 3
  part "Step times, graph engine" 60 "${bench[@]}" --what distill --engine graph --steps 32 --repeats 3
  part "Step times, eager engine" 60 "${bench[@]}" --what distill --engine eager --steps 8 --repeats 3
fi

if "$python" -c 'import torch' 2>/dev/null; then
  part "Step times of PyTorch" 90 "$python" "$root/scripts/bench-pytorch.py" --batch-size "$(size 64 4)" \
    --repeats "$(size 3 1)" $([ -z "$quick" ] || echo --what distill --steps 1)
else
  echo "| Step times of PyTorch | left out: $python cannot import torch (PEFD_PYTHON) | |" >>"$table"
fi

part "The same bytes twice with --deterministic" 120 same_bytes "$scratch" "${distill[@]}" --deterministic --epochs 1 \
  $few "$(size 1280 32)"

# The default lies between them (docs/adr/0011): what they take says whether it should.
if [ -z "$quick" ]; then
  for ahead in 1 2 8; do
    part "Step times, xla engine, --teacher_ahead $ahead" 60 "${bench[@]}" --what distill --engine xla --precision bfloat16 \
      --steps 256 --repeats 3 --teacher_ahead "$ahead"
  done
fi

gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1) || gpu=
{
  echo "# pefd on ${gpu:-a machine without an NVIDIA GPU}, $(date +%F)"
  printf '\n| what | result | time |\n|---|---|---|\n'
  cat "$table"
  echo
  cat "$body"
} >"$report"
echo "$((SECONDS - started)) s; the report lies in $report." >&2
[ "$failed" = 0 ]
