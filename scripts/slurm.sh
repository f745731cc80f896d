#!/usr/bin/env bash
# One run on several machines under SLURM: one process a machine, all of its GPUs.
#
#   sbatch scripts/slurm.sh --flagfile=configs/r50.flags --workdir=/shared/runs/r50
#
# The data must be readable on all machines, the workdir writable on the first one. A job
# that was preempted is put into the queue again and goes on from its last checkpoint. A run
# that is stopped (scancel, the time limit with --signal=TERM@120) saves and ends with 143, so
# that jobs with --dependency=afterok do not take half a model.
#SBATCH --job-name=ressl
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --time=24:00:00
#SBATCH --requeue
set -euo pipefail
chief=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 10000)) # jobs that share a machine differ
export chief port
# shellcheck disable=SC2016 # each process reads its own SLURM_PROCID
srun --kill-on-bad-exit=1 bash -c 'exec python -m ressl_tf.train "$@" \
  --strategy=multiworker --coordinator_address="$chief:$port" \
  --num_workers="$SLURM_NTASKS" --worker_index="$SLURM_PROCID"' ressl "$@"
