"""RGRL on graphs: data, network, method, run, evaluation and export."""
