#!/usr/bin/env bash
# The runs of docs/results/full.md, one after the other: the paper's length first, then the comparison of precisions.
# Stopped (Ctrl-C, kill, a reboot) and typed again it goes on where it stopped, byte for byte.
#
#   scripts/full-runs.sh TEACHER.pth DATA FOLDER          # FOLDER gets save/, precision/ and the logs
#   PYTHON=VENV/bin/python scripts/full-runs.sh ...       # with PyTorch: its runs of the comparison, too
set -eu
[ $# = 3 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
teacher=$(realpath "$1") data=$(realpath "$2")
mkdir -p "$3/pytorch" && cd "$3"

distill() { # SAVE_DIR METHOD OPTIONS...
  echo "$(date -u +%FT%TZ) $1 $2 ${*:3}" >>starts.log
  nice -n 19 node "$here/../bin/pefd.js" distill --distill "$2" --path_t "$teacher" --model_t resnet32x4 \
    --model_s resnet8x4 --batch_size 64 --data "$data" --save_dir "$1" --resume "${@:3}" >>"log-$(basename "$1")" 2>&1
}

for method in kd ours dkd dist; do
  distill save $method --epochs 240 --trial 1 --teacher_cache
done

short=(--epochs 24 --lr_decay_epochs 15,18,21)
for trial in 1 2 3; do
  for method in kd ours; do
    distill precision $method "${short[@]}" --trial $trial --precision bfloat16
    distill precision $method "${short[@]}" --trial $trial --precision float32
    [ -n "${PYTHON:-}" ] && [ $trial -le 2 ] && [ ! -e pytorch/$method-$trial.done ] && {
      nice -n 19 "$PYTHON" "$here/train-pytorch.py" --data "$data" --path_t "$teacher" --distill $method "${short[@]}" \
        --seed $trial --out pytorch/$method-$trial.csv && touch pytorch/$method-$trial.done
    } || true
  done
done
