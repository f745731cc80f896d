# Two images from the wheel. Neither has been built yet: where this was written no Docker
# daemon runs.
#
#   docker build --target cpu -t ressl_tf .
#   docker run --rm -v "$PWD:/work" ressl_tf demo --max_steps=20
#
#   docker build --target cuda -t ressl_tf:cuda .
#   docker run --rm --gpus all -v "$PWD:/work" ressl_tf:cuda train --flagfile=r50.flags
#
# Runs lie in the mounted folder; the same command goes on where it stopped. Docker's
# `stop` sends SIGTERM, upon which a run saves and ends: give it time, `stop -t 120`.
FROM python:3.11-slim AS wheel
WORKDIR /source
COPY pyproject.toml setup.py MANIFEST.in README.md ./
COPY configs configs
COPY ressl_tf ressl_tf
RUN pip wheel --no-cache-dir --no-deps -w /wheels .

FROM python:3.11-slim AS cpu
COPY requirements.txt /tmp/
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir -c /tmp/requirements.txt /wheels/*.whl
WORKDIR /work
ENTRYPOINT ["ressl-tf"]
CMD ["--help"]

FROM cpu AS cuda
RUN pip install --no-cache-dir -c /tmp/requirements.txt "ressl_tf[cuda]"
