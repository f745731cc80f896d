#!/usr/bin/env bash
# One run in N processes on this machine; the first one, the chief, writes and prints.
#
#   scripts/launch_local.sh 2 --flagfile=configs/demo.flags --batch_norm=sync
#
# With GPUs each process takes an equal share of them. When one process fails, the others
# end too; the same command goes on from the last checkpoint. The exit status is that of the
# chief unless it is 0: 143 or 130 for a run that was stopped and saved.
set -euo pipefail
if [[ ! ${1:-} =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: scripts/launch_local.sh NUMBER_OF_PROCESSES [flags of ressl_tf.train]" >&2
  exit 2
fi
count=$1
shift
python=${PYTHON:-python}
port=$("$python" -c 'import socket; s = socket.create_server(("", 0)); print(s.getsockname()[1])')
gpus=$( (nvidia-smi --list-gpus 2>/dev/null || true) | wc -l)
if ((gpus % count)); then
  echo "$gpus GPUs cannot be dealt to $count processes equally" >&2
  exit 2
fi
share=$((gpus / count))

pids=()
stopped=
stop() {
  stopped=yes
  kill "${pids[@]}" 2>/dev/null || true
}
trap stop INT TERM
for ((index = 0; index < count; index++)); do
  if ((share)); then
    CUDA_VISIBLE_DEVICES=$(seq -s, $((index * share)) $(((index + 1) * share - 1)))
    export CUDA_VISIBLE_DEVICES
  fi
  "$python" -m ressl_tf.train "$@" --strategy=multiworker --num_workers="$count" \
    --coordinator_address="127.0.0.1:$port" --worker_index="$index" &
  pids+=($!)
done
if [[ $stopped ]]; then stop; fi # what was started meanwhile
status=0
for pid in "${pids[@]}"; do
  code=0
  wait "$pid" || code=$?
  while kill -0 "$pid" 2>/dev/null; do # a signal ends `wait` before the process
    code=0
    wait "$pid" || code=$?
  done
  ((status)) || status=$code
done
exit "$status"
