"""Which kernels TensorFlow computes with on CPUs."""


def cpu_kernels() -> str | None:
    """Return "oneDNN" or "Eigen"; None where this TensorFlow does not say."""
    try:
        from tensorflow.python.util import _pywrap_util_port  # not public
    except ImportError:
        return None
    return "oneDNN" if _pywrap_util_port.IsMklEnabled() else "Eigen"
