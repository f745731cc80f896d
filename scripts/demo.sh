#!/usr/bin/env bash
# Sets everything up and pretrains ReSSL on the embedded data set; further arguments are
# flags of ressl_tf.train. The last line is the result as JSON; report.html beside it shows the run.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
install run requirements.txt
exec "$VENV_PYTHON" -m ressl_tf.train --flagfile=configs/demo.flags --report --report_every=30 "$@"
