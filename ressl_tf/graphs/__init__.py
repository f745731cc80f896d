"""Learning on graphs: data, GCN, RGRL, its run, evaluation and export."""
