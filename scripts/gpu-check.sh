#!/usr/bin/env bash
# What to run first on a machine with a GPU, to see whether pefd works there and how fast.
#
#   scripts/gpu-check.sh [--minutes 9] [--data DIR] [--checkpoint FILE] [--report FILE] [--full] [--profile] [--quick]
#
#   --minutes N        the time for everything but --full (default: 9); what comes first is worth most
#   --data DIR         CIFAR-100's binary files (default: data/cifar-100-binary); without them, synthetic images
#   --checkpoint FILE  a trained teacher, such as ckpt_epoch_240.pth of resnet32x4, to evaluate and to distil from
#   --report FILE      where the report goes (default: gpu-report.md), with FILE.jsonl beside it: a line of JSON for each
#                      part as soon as it ends; send both. scripts/gpu-table.js FILE.jsonl puts them in docs/gpu.md
#   --full             then distils for 240 epochs; called again with --full, it resumes (in FILE.full)
#   --profile          then profiles a step with Nsight Systems (nsys), where that is installed
#   --quick            small numbers of everything, a check of this script itself
#
# PEFD_PYTHON names a Python with PyTorch, whose compiled steps then take turns with pefd's. Nothing stops the check
# early: a part that fails or takes too long costs its own result, and the next one follows. No network is needed where
# pefd, TensorFlow and images are there.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=data/cifar-100-binary
checkpoint=
report=gpu-report.md
quick= full= profile=
minutes=9
while [ $# -gt 0 ]; do
  case $1 in
    --data | --checkpoint | --report | --minutes)
      [ $# -gt 1 ] || { echo "$1 needs a value." >&2; exit 2; }
      declare "${1#--}=$2"
      shift 2
      ;;
    --quick | --full | --profile) declare "${1#--}=yes" && shift ;;
    *)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
      exit 2
      ;;
  esac
done

[[ $minutes =~ ^[1-9][0-9]*$ ]] || { echo "--minutes $minutes is no number of minutes." >&2; exit 2; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$(dirname "$report")" && : >"$report" && : >"$report.jsonl" || { echo "$report cannot be written." >&2; exit 2; }
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

# The check of doctor --deep alone, without the checksums of 5 GB.
arithmetic() {
  node --input-type=module -e 'const { arithmeticCheck } = await import(process.argv[1] + "/dist/train/selfTest/selfTest.js");
    const check = await arithmeticCheck(process.execPath, process.env);
    console.log(JSON.stringify(check));
    process.exit(check.ok ? 0 : 1);' "$root"
}

memory() { nvidia-smi --query-gpu=memory.used,memory.total --format=csv,noheader || true; }

export root
export -f pefd golden stamped same_bytes machine arithmetic memory

# size FULL QUICK: a number for this run.
size() { if [ -n "$quick" ]; then echo "$2"; else echo "$1"; fi; }

total=$((60 * minutes - 10))
started=$SECONDS
failed=0

# line TITLE VERDICT SECONDS [OUTPUT]: a part's line of JSON, with the document that it printed, if it did.
line() {
  node -e 'const [part, verdict, seconds, file] = process.argv.slice(1);
    const text = file ? require("node:fs").readFileSync(file, "utf8").trim() : "";
    let result = {};
    try { result = { result: JSON.parse(text) }; } catch { result = text && { said: text.split("\n").at(-1).slice(0, 300) }; }
    console.log(JSON.stringify({ part, verdict, seconds: Number(seconds), ...result }));' "$@" | tee -a "$report.jsonl"
}

# left_out TITLE WHY
left_out() {
  echo "| $1 | left out: $2 | |" >>"$table"
  line "$1" "left out: $2" 0
}

# part TITLE SECONDS COMMAND...: runs a part of the check within a time and writes it into the report.
part() {
  local title=$1 limit=$2 log=$scratch/log out=$scratch/out code=0 from=$SECONDS left verdict
  shift 2
  left=$((total - (SECONDS - started)))
  [ "$limit" -le "$left" ] || limit=$left
  if [ "$limit" -lt 5 ]; then
    left_out "$title" "the $minutes minutes are over"
    return 1
  fi
  echo "$title" >&2
  timeout -k 10 "$limit" bash -c '"$@"' part "$@" >"$out" 2>"$log" || code=$?
  case $code in
    0) verdict=ok ;;
    124 | 137) verdict="stopped after $limit s" ;;
    *) verdict="FAILED (exit $code)" ;;
  esac
  [ "$code" = 0 ] || failed=$((failed + 1))
  echo "| $title | $verdict | $((SECONDS - from)) s |" >>"$table"
  line "$title" "$verdict" "$((SECONDS - from))" "$out"
  {
    printf '## %s\n\n%s, %d s\n```\n' "$title" "$verdict" "$((SECONDS - from))"
    { tail -n 20 "$log"; tail -n 40 "$out"; } | cut -c1-400
    printf '```\n\n'
  } >>"$body"
  [ "$code" = 0 ]
}

# Works at all.
part "The machine" 30 machine
part "pefd doctor" 60 pefd doctor
part "The GPU's arithmetic" 90 arithmetic

if [ ! -f "$data/train.bin" ]; then
  data=$scratch/synthetic
  # 10 more than whole batches: the short batch at an epoch's end is part of the check.
  part "Synthetic images (there is no CIFAR-100 here)" 60 pefd data synthesize --out "$data" \
    --train "$(size 6410 42)" --test "$(size 2000 20)" --seed 0
fi

few="--batch_size $(size 64 16) --limit_test $(size 400 20) --limit_train"
# One teacher for all: that which was given, or one that has only just begun.
if [ -z "$checkpoint" ]; then
  part "A teacher's first steps" 90 pefd train-teacher --model "$(size resnet32x4 resnet8)" --data "$data" --epochs 1 \
    --save_dir "$scratch/teacher" $few "$(size 1290 42)"
  checkpoint=$(ls "$scratch"/teacher/models/*/*_last.safetensors 2>/dev/null | head -n 1)
fi

files=("$root"/test/golden/{losses,trajectory_ours,trajectory_kd}.json)
[ -z "$quick" ] || files=("$root/test/golden/losses.json")
part "Golden numbers, $(size xla graph) engine" 120 golden "$(size xla graph)" "${files[@]}"

# bench TITLE SECONDS WHAT ENGINE PRECISION STEPS [FLAG...]: one work in one precision, so that a slow one costs itself alone.
bench() {
  local small=()
  [ -z "$quick" ] || small=(--test_images 20 --model_t resnet8 --model_s resnet8)
  part "$1" "$2" pefd bench --json --batch_size "$(size 64 8)" --what "$3" --engine "$4" --precision "$5" \
    --steps "$(size "$6" 1)" --repeats "$(size 3 1)" "${small[@]}" "${@:7}"
}
xla=$(size xla graph)

# Milliseconds of `ours`, in turns with PyTorch.
for turn in $(size "1 2" 1); do
  bench "Step times: distill, bfloat16, turn $turn" 90 distill "$xla" bfloat16 781
  if "$python" -c 'import torch' 2>/dev/null; then
    part "Step times of PyTorch, turn $turn" 90 "$python" "$root/scripts/bench-pytorch.py" --json --what distill \
      --batch-size "$(size 64 4)" --repeats "$(size 3 1)" $([ -z "$quick" ] || echo --steps 1)
  else
    left_out "Step times of PyTorch, turn $turn" "$python cannot import torch (PEFD_PYTHON)"
  fi
done

distill=(pefd distill --path_t "$checkpoint" --model_s "$(size resnet8x4 resnet8)" --distill ours --data "$data" --force)
whole=(--batch_size "$(size 64 16)")
[ -z "$quick" ] || whole+=(--limit_train 42 --limit_test 20)
part "Distillation, cold start" 150 stamped "${distill[@]}" --save_dir "$scratch/save" --epochs "$(size 2 1)" "${whole[@]}"
part "Distillation, warm start" 60 stamped "${distill[@]}" --save_dir "$scratch/save" --epochs 1 "${whole[@]}"
bench "Step times: teacher, bfloat16" 90 teacher "$xla" bfloat16 256
for precision in float32 bfloat16; do
  part "Evaluation of $(basename "$checkpoint") in $precision" 60 pefd eval --json --checkpoint "$checkpoint" \
    --data "$data" --precision "$precision" $([ -z "$quick" ] || echo --limit_test 20)
done
bench "Step times: distill, float32" 90 distill "$xla" float32 256
bench "Step times: evaluate, bfloat16" 60 evaluate "$xla" bfloat16 1
part "Memory" 30 memory
if [ -z "$quick" ]; then
  # The default lies between them (docs/adr/0011): what they take says whether it should.
  for ahead in 1 2 8; do
    bench "Step times: distill, bfloat16, --teacher_ahead $ahead" 60 distill xla bfloat16 256 --teacher_ahead "$ahead"
  done
  bench "Step times: distill, graph engine" 60 distill graph float32 32
  bench "Step times: distill, eager engine" 60 distill eager float32 8
  for engine in graph eager; do
    part "Golden numbers, $engine engine" 120 golden "$engine" "${files[@]}"
  done
fi
part "The same bytes twice with --deterministic" 120 same_bytes "$scratch" "${distill[@]}" --save_dir "$scratch/same" \
  --deterministic --epochs 1 $few "$(size 1280 32)"

# These have all the time that they take.
total=$((total + 100000))
if [ -n "$full" ]; then
  part "Distillation, $(size 240 2) epochs" 20000 pefd distill --path_t "$checkpoint" --distill ours --data "$data" --json \
    --model_s "$(size resnet8x4 resnet8)" --save_dir "$report.full" --resume --epochs "$(size 240 2)" "${whole[@]}"
fi
if [ -n "$profile" ]; then
  if command -v nsys >/dev/null; then
    part "Profile of a step" 600 nsys profile --force-overwrite true --stats true -o "$report.nsys" node "$root/bin/pefd.js" \
      bench --what distill --engine "$xla" --precision bfloat16 --steps "$(size 142 1)" --repeats 1
  else
    left_out "Profile of a step" "there is no nsys (Nsight Systems)"
  fi
fi

gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1) || gpu=
{
  echo "# pefd on ${gpu:-a machine without an NVIDIA GPU}, $(date +%F)"
  printf '\n| what | result | time |\n|---|---|---|\n'
  cat "$table"
  echo
  cat "$body"
} >"$report"
echo "$((SECONDS - started)) s; the report lies in $report and $report.jsonl." >&2
[ "$failed" = 0 ]
