#!/usr/bin/env bash
# One run on a TPU VM (one host, such as v4-8). Not yet run on a TPU.
#
#   gcloud compute tpus tpu-vm create ressl --zone=us-central2-b \
#     --accelerator-type=v4-8 --version=tpu-vm-tf-2.21.0-pjrt
#   gcloud compute tpus tpu-vm ssh ressl --zone=us-central2-b
#   scripts/tpu_vm.sh --flagfile=configs/r50.flags --workdir=/data/runs/r50
#
# The views are made by the CPUs of the host; everything after them is one XLA program.
set -euo pipefail
exec "${PYTHON:-python}" -m ressl_tf.train "$@" \
  --strategy=tpu --tpu=local --mixed_precision=bfloat16
