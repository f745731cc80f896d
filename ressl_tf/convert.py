"""Convert weights of PyTorch into a workdir, or back.

    python -m ressl_tf.convert --checkpoint=ressl-200.pth --workdir=runs/imported
    python -m ressl_tf.train --flagfile=configs/r50.flags --init_from=runs/imported
    python -m ressl_tf.convert --to=torch --workdir=runs/mine --output=model.pth

Files of PyTorch need PyTorch: pip install 'ressl_tf[torch]'
"""

import sys

from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.runtime import command


def main(config: ConvertConfig) -> dict:
    """Convert in the direction that --to says."""
    # After parsing, as TensorFlow takes seconds to load.
    if config.to == "torch":
        from ressl_tf.saving.pytorch import to_torch

        return to_torch.export(config)
    from ressl_tf.saving.pytorch import from_torch

    return from_torch.convert(config)


if __name__ == "__main__":
    sys.exit(command.run(main, ConvertConfig, __doc__))
