"""The job script for SLURM, with stand-ins for SLURM's own commands."""

import os
import pathlib
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).parents[2]
COMMANDS = {
    "scontrol": """
if [[ $1 == requeue ]]; then echo "$2" >> "$LOG/requeued"; else echo 127.0.0.1; fi
""",
    "srun": """
shift  # --kill-on-bad-exit
for index in 0 1; do SLURM_PROCID=$index "$@" & pids[index]=$!; done
worst=0
for pid in "${pids[@]}"; do
  code=0; wait "$pid" || code=$?
  ((code > worst)) && worst=$code
done
exit "$worst"
""",
    "python": """
echo "$@" > "$LOG/flags$SLURM_PROCID"
for name in USR1 TERM; do
  trap 'sleep 0.2; exit '$((128 + $(kill -l $name))) $name
done
echo $$ > "$LOG/ready$SLURM_PROCID"
while :; do sleep 0.05; done
""",
}


def stopped_by(number, tmp_path):
    """Send a signal to all processes of both steps; return status and requeued jobs."""
    for name, body in COMMANDS.items():
        (tmp_path / name).write_text(f"#!/usr/bin/env bash\n{body}")
        (tmp_path / name).chmod(0o755)
    told = {"LOG": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    told |= {"SLURM_JOB_NODELIST": "node[0-1]", "SLURM_JOB_ID": "77"}
    command = ["bash", "scripts/slurm.sh", "--epochs=9"]
    env = {**os.environ, **told, "SLURM_NTASKS": "2"}
    with subprocess.Popen(command, cwd=ROOT, env=env) as job:
        ready = [tmp_path / f"ready{index}" for index in (0, 1)]
        while not all(path.exists() and path.read_text() for path in ready):
            assert job.poll() is None
            time.sleep(0.05)
        for path in ready:  # each with the shell that it runs in
            pid = int(path.read_text())
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
            for each in (int(stat.split()[3]), pid):
                os.kill(each, number)
        status = job.wait(30)
    requeued = tmp_path / "requeued"
    return status, requeued.read_text().split() if requeued.exists() else []


def test_a_job_whose_time_is_over_queues_again(tmp_path):
    assert stopped_by(signal.SIGUSR1, tmp_path) == (138, ["77"])
    for index in (0, 1):
        words = (tmp_path / f"flags{index}").read_text().split()
        assert words[:4] == [
            "-m",
            "ressl_tf.train",
            "--grace_seconds=100",
            "--epochs=9",
        ]
        assert words[-1] == f"--worker_index={index}"
        assert "--coordinator_address=127.0.0.1:20077" in words


def test_a_cancelled_job_does_not(tmp_path):
    assert stopped_by(signal.SIGTERM, tmp_path) == (143, [])
