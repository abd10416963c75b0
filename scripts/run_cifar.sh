#!/bin/sh
# The paper's three methods for resnet32x4 -> resnet8x4 on CIFAR-100, three trials each, one after the other.
# Run again after an interruption, it goes on where it stopped; further options are handed to every run:
#   scripts/run_cifar.sh --data data/cifar-100-binary
# `pefd sweep methods` does the same with retries, several GPUs and a table.
set -e

pefd="node $(dirname "$0")/../bin/pefd.js"
teacher=./save/models/resnet32x4_vanilla/ckpt_epoch_240.pth

for trial in 1 2 3; do
  $pefd distill --path_t $teacher --distill kd --model_s resnet8x4 -r 0.1 -a 0 -b 0.9 --trial $trial --resume "$@"
  $pefd distill --path_t $teacher --distill kd1proj --model_s resnet8x4 -r 0.1 -a 0 -b 0.9 --trial $trial --resume "$@"
  $pefd distill --path_t $teacher --distill ours --model_s resnet8x4 -r 1 -a 0 -b 25 --trial $trial --resume "$@"
done
