#!/usr/bin/env bash
# One run on several machines under SLURM: one process a machine, all of its GPUs.
#
#   sbatch scripts/slurm.sh --flagfile=configs/r50.flags --workdir=/shared/runs/r50
#
# The data must be readable on all machines, the workdir writable on the first one. A job
# that was preempted is put into the queue again and goes on from its last checkpoint. 120 s
# before its time is over a job gets SIGUSR1: the run saves and ends with 138, and the job
# puts itself into the queue again. A run that is stopped by scancel saves and ends with 143,
# so that jobs with --dependency=afterok do not take half a model.
#SBATCH --job-name=ressl
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --signal=USR1@120
set -euo pipefail
chief=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 10000)) # jobs that share a machine differ
export chief port
# The shells get the signals too, and wait for Python. --grace_seconds leaves time to end.
# shellcheck disable=SC2016 # each process reads its own SLURM_PROCID
srun --kill-on-bad-exit=1 bash -c '
  trap : USR1 TERM
  code=0
  python -m ressl_tf.train --grace_seconds=100 "$@" \
    --strategy=multiworker --coordinator_address="$chief:$port" \
    --num_workers="$SLURM_NTASKS" --worker_index="$SLURM_PROCID" || code=$?
  if [[ $code == 138 && $SLURM_PROCID == 0 ]]; then scontrol requeue "$SLURM_JOB_ID"; fi
  exit "$code"' ressl "$@"
