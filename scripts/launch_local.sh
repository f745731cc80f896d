#!/usr/bin/env bash
# One run in N processes on this machine; the first one, the chief, writes and prints.
#
#   scripts/launch_local.sh 2 --flagfile=configs/demo.flags --batch_norm=sync
#   scripts/launch_local.sh --restarts=3 2 --flagfile=configs/demo.flags --batch_norm=sync
#
# With GPUs each process takes an equal share of them. When one process fails, the others
# end too: by themselves, or after PATIENCE seconds (90) by SIGKILL. The same command goes on
# from the last checkpoint, and so does --restarts, up to so many times: not after a wrong flag
# (2), nor where the run was stopped and saved (143 or 138). The exit status is that of the
# chief unless it is 0.
set -euo pipefail
restarts=0
if [[ ${1:-} =~ ^--restarts=([0-9]+)$ ]]; then
  restarts=${BASH_REMATCH[1]}
  shift
fi
if [[ ! ${1:-} =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: scripts/launch_local.sh [--restarts=N] NUMBER_OF_PROCESSES [flags of ressl_tf.train]" >&2
  exit 2
fi
count=$1
shift
python=${PYTHON:-python}
patience=${PATIENCE:-90}
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
  kill -s "$1" "${pids[@]}" 2>/dev/null || true
}
trap 'stop TERM' INT TERM # SIGINT is nothing to processes that bash starts with &
trap 'stop USR1' USR1

start() {
  local port
  port=$("$python" -c 'import socket; s = socket.create_server(("", 0)); print(s.getsockname()[1])')
  pids=()
  for ((index = 0; index < count; index++)); do
    if ((share)); then
      CUDA_VISIBLE_DEVICES=$(seq -s, $((index * share)) $(((index + 1) * share - 1)))
      export CUDA_VISIBLE_DEVICES
    fi
    "$python" -m ressl_tf.train "$@" --strategy=multiworker --num_workers="$count" \
      --coordinator_address="127.0.0.1:$port" --worker_index="$index" &
    pids+=($!)
  done
  if [[ $stopped ]]; then stop TERM; fi # what was started meanwhile
}

# Waits for all processes; after one has failed, for `patience` seconds at most.
finish() {
  local codes=() left=$count deadline='' code
  while ((left)); do
    for ((index = 0; index < count; index++)); do
      [[ ${codes[index]:-} ]] && continue
      kill -0 "${pids[index]}" 2>/dev/null && continue
      code=0
      wait "${pids[index]}" || code=$?
      codes[index]=$code
      left=$((left - 1))
      if ((code)) && [[ ! $deadline ]]; then deadline=$((SECONDS + patience)); fi
    done
    if [[ $deadline ]] && ((left && SECONDS >= deadline)); then
      echo "launch_local: $left of $count processes hang, $patience s after one has failed; killed" >&2
      for ((index = 0; index < count; index++)); do
        [[ ${codes[index]:-} ]] || kill -KILL "${pids[index]}" 2>/dev/null || true
      done
      deadline=$((SECONDS + patience))
    fi
    ((left == 0)) || sleep 0.5
  done
  status=0
  for ((index = 0; index < count; index++)); do
    ((status)) || status=${codes[index]}
  done
}

for ((attempt = 1; ; attempt++)); do
  start "$@"
  finish
  case $status in 0 | 2 | 130 | 138 | 143) break ;; esac
  if [[ $stopped ]] || ((attempt > restarts)); then break; fi
  echo "launch_local: status $status; restart $attempt of $restarts" >&2
done
exit "$status"
