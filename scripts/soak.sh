#!/usr/bin/env bash
# Trains for hours in processes that are killed at random and go on, and says whether memory, open
# files, threads and speed stay as they are. Log, figure and summary are written to --workdir.
#
#   scripts/soak.sh --minutes=120 --workdir=runs/soak
#   scripts/soak.sh --minutes=120 --workdir=runs/soak --dataset=folder:/photos --image_size=64
#
# What is no option of the script is a flag of ressl_tf.train; its own are in scripts/soak/soak.flags.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
install run requirements.txt
exec "$VENV_PYTHON" scripts/soak "$@"
